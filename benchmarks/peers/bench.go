// The benchmarks in Go: a goroutine for each actor, a channel for its mailbox and one for a reply.
//
// A mailbox has as much room as the work needs: a channel that is full blocks its sender, and has
// all its room from the start. `bench WORK N [ARGUMENT]` does the work and prints what the
// goroutines answered and the seconds that it took as a line of JSON; Python compares the answer.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"sort"
	"strconv"
	"time"
)

type found map[string]any

const (
	senders = 8
	players = 100
	first   = 1000000
	room    = 1024
)

func main() {
	numbers := []int{}
	for _, argument := range os.Args[2:] {
		number, err := strconv.Atoi(argument)
		if err != nil {
			panic(err)
		}
		numbers = append(numbers, number)
	}
	n := numbers[0]
	works := map[string]func() found{
		"ask_inside": func() found { return askInside(n) },
		"tell":       func() found { return tell(n) },
		"fan_in":     func() found { return fanIn(n) },
		"ring":       func() found { return ring(n, numbers[1]) },
		"spawn":      func() found { return spawn(n) },
		"memory":     func() found { return memory(n) },
		"skynet":     func() found { return skynet(n) },
		"big":        func() found { return big(n) },
		"compute":    func() found { return compute(n) },
		"hello":      func() found { return hello(n) },
	}
	line, err := json.Marshal(works[os.Args[1]]())
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// What is asked of an actor, and where it answers; no reply is wanted where that is nil.
type request struct {
	message int
	reply   chan int
}

const (
	count = -1
	ping  = -2
	stop  = -3
)

func ask(mailbox chan<- request, message int, reply chan int) int {
	mailbox <- request{message, reply}
	return <-reply
}

// M1b

func askInside(n int) found {
	echo := make(chan request, 1)
	go func() {
		asked := 0
		for each := range echo {
			if each.message == count {
				each.reply <- asked
			} else {
				asked++
				each.reply <- each.message
			}
		}
	}()
	answers := make(chan found)
	go func() {
		reply := make(chan int, 1)
		started, total := time.Now(), 0
		for i := 0; i < n; i++ {
			total += ask(echo, i, reply)
		}
		answer := []int{total, ask(echo, count, reply)}
		seconds := time.Since(started).Seconds()
		times := []time.Duration{}
		for i := 0; i <= n/10; i++ {
			asked := time.Now()
			ask(echo, i, reply)
			times = append(times, time.Since(asked))
		}
		sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
		answers <- found{
			"answer": answer, "seconds": seconds,
			"p50_us": float64(times[len(times)/2].Nanoseconds()) / 1000,
			"p99_us": float64(times[len(times)*99/100].Nanoseconds()) / 1000,
		}
	}()
	return <-answers
}

// M2

func tell(n int) found {
	counter, answers := make(chan request, room), make(chan int)
	started := time.Now()
	go func() {
		counted := 0
		for each := range counter {
			if each.message == count {
				each.reply <- counted
			} else {
				counted++
			}
		}
	}()
	go func() {
		for i := 0; i < n; i++ {
			counter <- request{1, nil}
		}
		answers <- ask(counter, count, make(chan int, 1))
	}()
	answer := <-answers
	return found{"answer": answer, "seconds": time.Since(started).Seconds()}
}

// M3

func fanIn(n int) found {
	type message struct{ sender, number int }
	gatherer, answers := make(chan message, room), make(chan []int)
	share := (n + senders - 1) / senders
	started := time.Now()
	go func() {
		following, total, outOfOrder := [senders]int{}, 0, 0
		for i := 0; i < senders*share; i++ {
			each := <-gatherer
			if each.number != following[each.sender] {
				outOfOrder++
			}
			following[each.sender] = each.number + 1
			total += each.sender
		}
		answers <- []int{senders * share, total, outOfOrder}
	}()
	for sender := 0; sender < senders; sender++ {
		go func(sender int) {
			for number := 0; number < share; number++ {
				gatherer <- message{sender, number}
			}
		}(sender)
	}
	answer := <-answers
	return found{"answer": answer, "seconds": time.Since(started).Seconds()}
}

// M4

func ring(hops, size int) found {
	endedAt := make(chan int)
	node := func(index int, mailbox <-chan int, next chan<- int) {
		for left := range mailbox {
			if left > 0 {
				next <- left - 1
			} else {
				endedAt <- index
			}
		}
	}
	start := make(chan int, 1)
	next := start
	for index := size - 1; index > 0; index-- {
		mailbox := make(chan int, 1)
		go node(index, mailbox, next)
		next = mailbox
	}
	go node(0, start, next)
	started := time.Now()
	start <- hops
	answer := <-endedAt
	return found{"answer": answer, "seconds": time.Since(started).Seconds()}
}

// M5

func spawn(n int) found {
	const ack, bye = 1, 2
	answers := make(chan []int)
	started := time.Now()
	go func() {
		collector, acked := make(chan int, room), make(chan bool)
		go func() {
			counts := [3]int{}
			for counts[ack] < n {
				counts[<-collector]++
			}
			acked <- true
			for counts[bye] < n {
				counts[<-collector]++
			}
			answers <- []int{counts[ack], counts[bye]}
		}()
		actors := make([]chan int, n)
		for i := range actors {
			mailbox := make(chan int, 1)
			actors[i] = mailbox
			go func() {
				for <-mailbox == ping {
					collector <- ack
				}
				collector <- bye
			}()
		}
		for _, actor := range actors {
			actor <- ping
		}
		<-acked
		for _, actor := range actors {
			actor <- stop
		}
	}()
	answer := <-answers
	return found{"answer": answer, "seconds": time.Since(started).Seconds()}
}

// M6

func memory(n int) found {
	type state struct{ number, pings int }
	type question struct {
		message int
		reply   chan state
	}
	holder := func(mailbox <-chan question, number int) {
		pings := 0
		for each := range mailbox {
			if each.message == ping {
				pings++
			} else {
				each.reply <- state{number, pings}
			}
		}
	}
	reply := make(chan state, 1)
	one := make(chan question, 1)
	go holder(one, first-1)
	one <- question{count, reply}
	<-reply
	before, started := resident(), time.Now()
	actors := make([]chan question, n)
	for i := range actors {
		actors[i] = make(chan question, 1)
		go holder(actors[i], first+i)
	}
	for _, actor := range actors {
		actor <- question{ping, nil}
	}
	numbers, pings, last := 0, 0, -1
	for i := 0; i < 100; i++ {
		index := i * (n - 1) / 99
		if index == last {
			continue
		}
		last = index
		actors[index] <- question{count, reply}
		found := <-reply
		numbers += found.number
		pings += found.pings
	}
	seconds := time.Since(started).Seconds()
	bytes := resident() - before
	runtime.KeepAlive(actors)
	return found{"answer": []int{numbers, pings}, "seconds": seconds, "bytes": bytes}
}

func resident() int {
	runtime.GC()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		panic(err)
	}
	line := regexp.MustCompile(`\nPss: +(\d+) kB`).FindSubmatch(text)
	kilobytes, err := strconv.Atoi(string(line[1]))
	if err != nil {
		panic(err)
	}
	return 1024 * kilobytes
}

// M7

func skynet(n int) found {
	leaves := 1
	for 10*leaves <= n {
		leaves *= 10
	}
	started := time.Now()
	sum := make(chan int, 1)
	go skynetActor(sum, 0, leaves)
	answer := <-sum
	return found{"answer": answer, "seconds": time.Since(started).Seconds()}
}

func skynetActor(parent chan<- int, first, leaves int) {
	if leaves == 1 {
		parent <- first
		return
	}
	mailbox, share, sum := make(chan int, 10), leaves/10, 0
	for i := 0; i < 10; i++ {
		go skynetActor(mailbox, first+i*share, share)
	}
	for i := 0; i < 10; i++ {
		sum += <-mailbox
	}
	parent <- sum
}

// M8

type move struct {
	kind int
	from chan move
}

const (
	pinged = iota
	ponged
	report
)

func big(n int) found {
	done, received := make(chan bool, players), make(chan int, players)
	all := make([]chan move, players)
	for i := range all {
		all[i] = make(chan move, 2*players) // a ping of each other one, a pong, and the report
	}
	for i := range all {
		go play(i, n, all, done, received)
	}
	started := time.Now()
	for _, each := range all {
		each <- move{ponged, nil}
	}
	answers := make(chan int)
	go func() {
		for range all {
			<-done
		}
		for _, each := range all {
			each <- move{report, nil}
		}
		sum := 0
		for range all {
			sum += <-received
		}
		answers <- sum
	}()
	answer := <-answers
	return found{"answer": answer, "seconds": time.Since(started).Seconds()}
}

func play(number, left int, all []chan move, done chan<- bool, received chan<- int) {
	x, pings, mailbox := number, 0, all[number]
	for each := range mailbox {
		switch {
		case each.kind == pinged:
			pings++
			each.from <- move{ponged, nil}
		case each.kind == report:
			received <- (number + 1) * pings
		case left > 0:
			left--
			x = (1309*x + 13849) % 65536
			all[x%players] <- move{pinged, mailbox}
		default:
			done <- true
		}
	}
}

// M10

func compute(steps int) found {
	began, sequential := time.Now(), 0
	for start := 0; start < 8; start++ {
		sequential += job(start, steps)
	}
	before := time.Since(began).Seconds()
	started, totals, total := time.Now(), make(chan int, 8), 0
	for start := 0; start < 8; start++ {
		go func(start int) { totals <- job(start, steps) }(start)
	}
	for i := 0; i < 8; i++ {
		total += <-totals
	}
	seconds := time.Since(started).Seconds()
	return found{
		"answer": []int{sequential, total}, "seconds": seconds, "sequential_seconds": before,
	}
}

func job(x, steps int) int {
	total := 0
	for i := 0; i < steps; i++ {
		x = (1309*x + 13849) % 65536
		total += x * x % 7
	}
	return total
}

// M12

func hello(amount int) found {
	account := make(chan request, 1)
	go func() {
		each := <-account
		each.reply <- 100 + each.message
	}()
	return found{"answer": ask(account, amount, make(chan int, 1))}
}
