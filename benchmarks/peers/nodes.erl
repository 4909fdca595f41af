%% M9 in Erlang: messages between two nodes, by the distribution.
%%
%% This node listens at a port on the loopback interface, and starts the other one, which connects
%% to it; no epmd is needed.
-module(nodes).
-export([work/2, receiver/1, received/3, echo/0]).
-import(bench, [ask/2, now_ns/0, seconds_since/1, percentiles/1]).

-define(KINDS, 16).

work(Work, Arguments) ->
    {Numbers, [Port]} = lists:split(length(Arguments) - 1, Arguments),
    work(Work, Numbers, receiver_elsewhere(Port)).

work(tell_process, [N, Size, Window], Receiver) -> tell_process(N, Size, Window, Receiver);
work(ask_process, [N, Size], Receiver) -> ask_process(N, Size, Receiver);
work(ask_in_flow, [N, Size, Rate], Receiver) -> ask_in_flow(N, Size, Rate, Receiver);
work(open_loop, [N, Rate], Receiver) -> open_loop(N, Rate, Receiver);
work(bytes_sent, [N, Size], Receiver) -> bytes_sent(N, Size, Receiver).

%% M9a, M9c, M9e

tell_process(N, Size, Window, Receiver) ->
    Payloads = payloads(Size),
    Started = now_ns(),
    Receiver ! {tally, self()},
    tell(0, N, Window div 2, Receiver, Payloads),
    tally(Receiver),
    Answer = ask(Receiver, tally),
    [{answer, Answer}, {seconds, seconds_since(Started)}].

tell(N, N, _Half, _Receiver, _Payloads) -> ok;
tell(I, N, Half, Receiver, Payloads) ->
    Receiver ! payload(I, Payloads),
    case I rem Half of
        0 -> tally(Receiver), Receiver ! {tally, self()};
        _ -> ok
    end,
    tell(I + 1, N, Half, Receiver, Payloads).

tally(Receiver) -> receive {Receiver, Tally} -> Tally end.

%% M9b, M9d, M9f

ask_process(N, Size, Receiver) ->
    Payloads = payloads(Size),
    Started = now_ns(),
    Times = [begin
        Asked = now_ns(),
        Size = ask(Receiver, payload(I, Payloads)),
        now_ns() - Asked
    end || I <- lists:seq(0, N - 1)],
    Answer = ask(Receiver, tally),
    [{answer, Answer}, {seconds, seconds_since(Started)} | percentiles(Times)].

%% M9g: another process tells another one there, at a steady rate.

ask_in_flow(N, Size, Rate, Receiver) ->
    Sink = spawn(node(Receiver), ?MODULE, received, [0, 0, 0]),
    Began = now_ns(),
    Flow = spawn_link(fun() -> flow(Sink, payloads(Size), Rate, Began, 0) end),
    timer:sleep(100),
    Found = ask_process(N, Size, Receiver),
    Sent = ask(Flow, stop),
    Flowed = ask(Sink, tally),
    [{flow, [Sent | Flowed]}, {flow_seconds, seconds_since(Began)} | Found].

flow(Sink, Payloads, Rate, Began, Sent) ->
    Due = min(Sent + Rate div 100, Rate * (now_ns() - Began) div 1000000000),
    [Sink ! payload(I, Payloads) || I <- lists:seq(Sent, Due - 1)],
    receive {stop, From} -> From ! {self(), Due}
    after 1 -> flow(Sink, Payloads, Rate, Began, Due)
    end.

%% M9h, M9i: timers tick in milliseconds, so it looks at the clock all the time.

open_loop(N, Rate, Receiver) ->
    Echo = spawn(node(Receiver), ?MODULE, echo, []),
    0 = ask(Echo, 0),
    Began = now_ns(),
    Due = fun(I) -> Began + I * 1000000000 div Rate end,
    {Times, Sum} = pace(0, N, N, Due, Echo, [], 0),
    [{answer, [length(Times), Sum]}, {seconds, seconds_since(Began)},
        {max_us, lists:max(Times) / 1000} | percentiles(Times)].

pace(_I, 0, _N, _Due, _Echo, Times, Sum) -> {Times, Sum};
pace(I, Left, N, Due, Echo, Times, Sum) ->
    case I < N andalso now_ns() >= Due(I) of
        true ->
            Echo ! {I, self()},
            pace(I + 1, Left, N, Due, Echo, Times, Sum);
        false ->
            receive {Echo, Back} ->
                pace(I, Left - 1, N, Due, Echo, [now_ns() - Due(Back) | Times], Sum + Back)
            after 0 ->
                erlang:yield(),
                pace(I, Left, N, Due, Echo, Times, Sum)
            end
    end.

echo() -> receive {I, From} -> From ! {self(), I}, echo() end.

%% M9m

bytes_sent(N, Size, Receiver) ->
    {_, Connection} = lists:keyfind(node(Receiver), 1, erlang:system_info(dist_ctrl)),
    {ok, [{send_oct, Before}]} = inet:getstat(Connection, [send_oct]),
    Found = tell_process(N, Size, 10000, Receiver),
    {ok, [{send_oct, After}]} = inet:getstat(Connection, [send_oct]),
    [{bytes, After - Before} | Found].

%% What they share

payloads(Size) -> list_to_tuple([binary:copy(<<Byte>>, Size) || Byte <- lists:seq(0, ?KINDS - 1)]).

payload(I, Payloads) -> element(I rem ?KINDS + 1, Payloads).

receiver_elsewhere(Port) ->
    register(driver, self()),
    {ok, [[Cookie]]} = init:get_argument(setcookie),
    Arguments = [
        "-noshell", "-noinput", "-name", "receiver@127.0.0.1", "-setcookie", Cookie,
        "-start_epmd", "false", "-erl_epmd_port", integer_to_list(Port), "-dist_listen", "false",
        "-pa", filename:dirname(code:which(?MODULE)),
        "-run", atom_to_list(?MODULE), "receiver", atom_to_list(node())
    ],
    open_port({spawn_executable, os:find_executable("erl")}, [{args, Arguments}]),
    receive {receiver, Receiver} -> Receiver after 10000 -> exit(no_other_node) end.

receiver([Node]) ->
    spawn(fun() ->
        Driver = list_to_atom(Node),
        true = net_kernel:connect_node(Driver),
        monitor_node(Driver, true),
        {driver, Driver} ! {receiver, self()},
        received(0, 0, 0)
    end).

received(Count, Length, FirstBytes) ->
    receive
        <<First, _/binary>> = Payload ->
            received(Count + 1, Length + byte_size(Payload), FirstBytes + First);
        {<<First, _/binary>> = Payload, From} ->
            From ! {self(), byte_size(Payload)},
            received(Count + 1, Length + byte_size(Payload), FirstBytes + First);
        {tally, From} ->
            From ! {self(), [Count, Length, FirstBytes]},
            received(Count, Length, FirstBytes);
        {nodedown, _Driver} ->
            halt(0)
    end.
