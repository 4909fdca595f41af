%% The benchmarks in Erlang: a process for each actor, gen_server:call for an ask. What takes two
%% nodes, M9, is in nodes.erl.
%%
%% `erl -noshell -run bench main WORK N [ARGUMENT]` does the work and prints what the processes
%% answered and the seconds that it took as a line of JSON; Python compares the answer.
-module(bench).
-behaviour(gen_server).
-export([main/1, ask/2, now_ns/0, seconds_since/1, percentiles/1]).
-export([init/1, handle_call/3, handle_cast/2]).

-define(SENDERS, 8).
-define(PLAYERS, 100).
-define(FIRST, 1000000).

main([Work, N | Rest]) ->
    %% From init's process, which must stay free to answer: the work has one of its own.
    spawn(fun() ->
        try
            Arguments = [list_to_integer(Each) || Each <- [N | Rest]],
            io:format("~s~n", [json(work(list_to_atom(Work), Arguments))]),
            halt(0)
        catch
            Class:Reason:Stack ->
                io:format(standard_error, "~p: ~p in ~p~n", [Class, Reason, Stack]),
                halt(1)
        end
    end).

work(ask_inside, [N]) -> ask_inside(N);
work(tell, [N]) -> tell(N);
work(fan_in, [N]) -> fan_in(N);
work(ring, [Hops, Size]) -> ring(Hops, Size);
work(spawn, [N]) -> spawn_all(N);
work(memory, [N]) -> memory(N);
work(skynet, [N]) -> skynet(N);
work(big, [N]) -> big(N);
work(compute, [Steps]) -> compute(Steps);
work(restart, [N, Actors]) -> restart(N, Actors);
work(hello, [N]) -> hello(N);
work(Between, Arguments) -> nodes:work(Between, Arguments).

%% M1b

ask_inside(N) ->
    {ok, Echo} = gen_server:start(?MODULE, 0, []),
    in_process(fun() ->
        Started = now_ns(),
        Sum = sum_of_answers(Echo, 0, N, 0),
        Answer = [Sum, gen_server:call(Echo, count)],
        Seconds = seconds_since(Started),
        Times = [begin
            Asked = now_ns(),
            I = gen_server:call(Echo, I),
            now_ns() - Asked
        end || I <- lists:seq(0, N div 10)],
        [{answer, Answer}, {seconds, Seconds} | percentiles(Times)]
    end).

sum_of_answers(_Echo, N, N, Sum) -> Sum;
sum_of_answers(Echo, I, N, Sum) ->
    sum_of_answers(Echo, I + 1, N, Sum + gen_server:call(Echo, I)).

init({keeper, Tester}) ->
    Kept = #{id => kept, start => {gen_server, start_link, [?MODULE, {kept, Tester}, []]}},
    {ok, {#{strategy => one_for_one, intensity => 1 bsl 59, period => 1}, [Kept]}};
init({kept, Tester}) ->
    Tester ! {up, self(), 0},
    {ok, 0};
init(Asked) -> {ok, Asked}.

handle_call(count, _From, Asked) -> {reply, Asked, Asked};
handle_call(I, _From, Asked) -> {reply, I, Asked + 1}.

handle_cast(hit, Hits) -> error({hurt, Hits + 1}).

%% M2

tell(N) ->
    Started = now_ns(),
    Counter = spawn(fun() -> counter(0) end),
    Count = in_process(fun() ->
        repeat(N, fun() -> Counter ! increment end),
        ask(Counter, count)
    end),
    [{answer, Count}, {seconds, seconds_since(Started)}].

counter(Count) ->
    receive
        increment -> counter(Count + 1);
        {count, From} -> From ! {self(), Count}
    end.

%% M3

fan_in(N) ->
    Share = (N + ?SENDERS - 1) div ?SENDERS,
    Self = self(),
    Gatherer = spawn(fun() ->
        Following = maps:from_list([{Each, 0} || Each <- lists:seq(0, ?SENDERS - 1)]),
        Self ! {answer, gather(?SENDERS * Share, 0, Following, 0, 0)}
    end),
    Started = now_ns(),
    [spawn(fun() -> send_share(Gatherer, Sender, 0, Share) end)
        || Sender <- lists:seq(0, ?SENDERS - 1)],
    receive {answer, Answer} -> [{answer, Answer}, {seconds, seconds_since(Started)}] end.

send_share(_Gatherer, _Sender, Share, Share) -> ok;
send_share(Gatherer, Sender, I, Share) ->
    Gatherer ! {Sender, I},
    send_share(Gatherer, Sender, I + 1, Share).

gather(N, N, _Following, Senders, OutOfOrder) -> [N, Senders, OutOfOrder];
gather(N, Count, Following, Senders, OutOfOrder) ->
    receive
        {Sender, I} ->
            Wrong = case Following of #{Sender := I} -> 0; _ -> 1 end,
            Next = Following#{Sender := I + 1},
            gather(N, Count + 1, Next, Senders + Sender, OutOfOrder + Wrong)
    end.

%% M4

ring(Hops, Size) ->
    Self = self(),
    First = spawn(fun() -> receive {next, Next} -> node(0, Next, Self) end end),
    Last = lists:foldl(
        fun(Index, Next) -> spawn(fun() -> node(Index, Next, Self) end) end,
        First,
        lists:seq(Size - 1, 1, -1)
    ),
    First ! {next, Last},
    Started = now_ns(),
    First ! Hops,
    receive {ended_at, Index} -> [{answer, Index}, {seconds, seconds_since(Started)}] end.

node(Index, Next, EndedAt) ->
    receive
        0 -> EndedAt ! {ended_at, Index};
        Left -> Next ! Left - 1, node(Index, Next, EndedAt)
    end.

%% M5

spawn_all(N) ->
    Self = self(),
    Started = now_ns(),
    spawn(fun() ->
        Spawner = self(),
        Collector = spawn(fun() ->
            Acks = collect(ack, N),
            Spawner ! {acks, Acks},
            Self ! {answer, [Acks, collect(bye, N)]}
        end),
        Actors = [spawn(fun() -> pinged(Collector) end) || _ <- lists:seq(1, N)],
        [Actor ! ping || Actor <- Actors],
        receive {acks, N} -> ok end,
        [Actor ! stop || Actor <- Actors]
    end),
    receive {answer, Answer} -> [{answer, Answer}, {seconds, seconds_since(Started)}] end.

pinged(Collector) ->
    receive
        ping -> Collector ! ack, pinged(Collector);
        stop -> Collector ! bye
    end.

collect(Kind, N) -> collect(Kind, N, 0).
collect(_Kind, N, N) -> N;
collect(Kind, N, Count) -> receive Kind -> collect(Kind, N, Count + 1) end.

%% M6

memory(N) ->
    ask(spawn(fun() -> holder(?FIRST - 1, 0) end), who),
    Before = resident(),
    Started = now_ns(),
    Actors = [spawn(fun() -> holder(?FIRST + Index, 0) end) || Index <- lists:seq(0, N - 1)],
    [Actor ! ping || Actor <- Actors],
    Table = list_to_tuple(Actors),
    Sample = lists:usort([Index * (N - 1) div 99 || Index <- lists:seq(0, 99)]),
    States = [ask(element(Index + 1, Table), who) || Index <- Sample],
    Seconds = seconds_since(Started),
    Bytes = resident() - Before,
    {Numbers, Pings} = lists:unzip(States),
    [{answer, [lists:sum(Numbers), lists:sum(Pings)]}, {seconds, Seconds}, {bytes, Bytes},
        {actors, tuple_size(Table)}].

holder(Number, Pings) ->
    receive
        ping -> holder(Number, Pings + 1);
        {who, From} -> From ! {self(), {Number, Pings}}, holder(Number, Pings)
    end.

resident() ->
    garbage_collect(),
    {ok, Text} = file:read_file("/proc/" ++ os:getpid() ++ "/smaps_rollup"),
    {match, [Kilobytes]} = re:run(Text, "\nPss: +(\\d+) kB", [{capture, [1], list}]),
    1024 * list_to_integer(Kilobytes).

%% M7

skynet(N) ->
    Leaves = power_of_ten(N, 1),
    Self = self(),
    Started = now_ns(),
    spawn(fun() -> skynet(Self, 0, Leaves) end),
    receive {sum, Sum} -> [{answer, Sum}, {seconds, seconds_since(Started)}] end.

skynet(Parent, First, 1) -> Parent ! {sum, First};
skynet(Parent, First, Leaves) ->
    Self = self(),
    Share = Leaves div 10,
    [spawn(fun() -> skynet(Self, First + I * Share, Share) end) || I <- lists:seq(0, 9)],
    Parent ! {sum, lists:sum([receive {sum, Sum} -> Sum end || _ <- lists:seq(1, 10)])}.

power_of_ten(N, Power) when 10 * Power =< N -> power_of_ten(N, 10 * Power);
power_of_ten(_N, Power) -> Power.

%% M8

big(N) ->
    Self = self(),
    Umpire = spawn(fun() -> umpire(Self) end),
    Players = [spawn(fun() -> receive {players, Players} -> play(X, X, N, 0, Players, Umpire) end end)
        || X <- lists:seq(0, ?PLAYERS - 1)],
    [Each ! {players, list_to_tuple(Players)} || Each <- Players],
    Umpire ! {players, Players},
    Started = now_ns(),
    [Each ! pong || Each <- Players],
    receive {answer, Answer} -> [{answer, Answer}, {seconds, seconds_since(Started)}] end.

play(Number, X, Left, Received, Players, Umpire) ->
    receive
        pong when Left > 0 ->
            Next = (1309 * X + 13849) rem 65536,
            element(Next rem ?PLAYERS + 1, Players) ! {ping, self()},
            play(Number, Next, Left - 1, Received, Players, Umpire);
        pong ->
            Umpire ! done,
            play(Number, X, Left, Received, Players, Umpire);
        {ping, From} ->
            From ! pong,
            play(Number, X, Left, Received + 1, Players, Umpire);
        report ->
            Umpire ! {received, (Number + 1) * Received}
    end.

umpire(Driver) ->
    receive {players, Players} -> ok end,
    [receive done -> ok end || _ <- Players],
    [Each ! report || Each <- Players],
    Driver ! {answer, lists:sum([receive {received, Sum} -> Sum end || _ <- Players])}.

%% M10

compute(Steps) ->
    Jobs = lists:seq(0, 7),
    Began = now_ns(),
    Sequential = lists:sum([job(Start, Steps, 0) || Start <- Jobs]),
    Before = seconds_since(Began),
    Started = now_ns(),
    Self = self(),
    [spawn(fun() -> Self ! {total, job(Start, Steps, 0)} end) || Start <- Jobs],
    Total = lists:sum([receive {total, Each} -> Each end || _ <- Jobs]),
    [{answer, [Sequential, Total]}, {seconds, seconds_since(Started)}, {sequential_seconds, Before}].

job(_X, 0, Total) -> Total;
job(X, Steps, Total) ->
    Next = (1309 * X + 13849) rem 65536,
    job(Next, Steps - 1, Total + Next * Next rem 7).

%% M11: `init` and `handle_cast` above are its gen_server's, and `init` its supervisor's too.

restart(N, Actors) ->
    logger:set_primary_config(level, none),
    in_process(fun() ->
        [{ok, _} = supervisor:start_link(?MODULE, {keeper, self()}) || _ <- lists:seq(1, Actors)],
        {First, Before} = hear(Actors, queue:new(), 0),
        Started = now_ns(),
        {Times, Hits} = hit_in_turn(N, First, Started, [], Before),
        Seconds = seconds_since(Started),
        [{answer, [Actors + length(Times), Hits]}, {seconds, Seconds} | percentiles(Times)]
    end).

hear(0, Up, Hits) -> {Up, Hits};
hear(Left, Up, Hits) ->
    receive {up, Kept, Before} -> hear(Left - 1, queue:in(Kept, Up), Hits + Before) end.

hit_in_turn(0, _Up, _Earlier, Times, Hits) -> {Times, Hits};
hit_in_turn(Left, Up, Earlier, Times, Hits) ->
    {{value, Longest}, Others} = queue:out(Up),
    gen_server:cast(Longest, hit),
    {Next, All} = hear(1, Others, Hits),
    Now = now_ns(),
    hit_in_turn(Left - 1, Next, Now, [Now - Earlier | Times], All).

%% M12

hello(Amount) ->
    Account = spawn(fun() -> receive {More, From} -> From ! {self(), 100 + More} end end),
    [{answer, ask(Account, Amount)}].

%% What they share

in_process(Function) ->
    Self = self(),
    Process = spawn(fun() -> Self ! {self(), Function()} end),
    receive {Process, Result} -> Result end.

ask(Process, Message) ->
    Process ! {Message, self()},
    receive {Process, Answer} -> Answer end.

repeat(0, _Function) -> ok;
repeat(N, Function) -> Function(), repeat(N - 1, Function).

now_ns() -> erlang:monotonic_time(nanosecond).

seconds_since(Started) -> (now_ns() - Started) / 1.0e9.

percentiles(Times) ->
    Sorted = list_to_tuple(lists:sort(Times)),
    Size = tuple_size(Sorted),
    [{p50_us, element(Size div 2 + 1, Sorted) / 1000},
        {p99_us, element(Size * 99 div 100 + 1, Sorted) / 1000}].

json([{_, _} | _] = Pairs) ->
    ["{", lists:join(", ", [["\"", atom_to_list(Key), "\": ", json(Value)] || {Key, Value} <- Pairs]), "}"];
json(List) when is_list(List) -> ["[", lists:join(", ", [json(Each) || Each <- List]), "]"];
json(Number) when is_integer(Number) -> integer_to_list(Number);
json(Number) -> io_lib:format("~.9f", [Number]).
