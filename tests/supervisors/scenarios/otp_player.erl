%% Plays scenarios on OTP's own supervisor. Reads a term for each, `{Tree, Script}`, and writes what
%% each step led to: a line "e ENTRY" for all that happened, "t TREE" for each supervisor with its
%% children, and "." after each outcome; "end" after the last. `language.py` explains them.
%%
%% The supervisor is OTP's, as it is installed; but what it asks for the time is the scenario.

-module(otp_player).
-behaviour(gen_server).
-export([main/0, seconds/0, start_child/2, log/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

main() ->
    ok = patch_clock(),
    ok = logger:remove_handler(default),
    ok = logger:add_handler(?MODULE, ?MODULE, #{}),
    loop().

loop() ->
    case io:read("") of
        {ok, {Tree, Script}} ->
            {_, Monitor} = spawn_monitor(fun() -> exit({played, play(Tree, Script)}) end),
            receive
                {'DOWN', Monitor, process, _, {played, Outcomes}} -> write(Outcomes), loop();
                {'DOWN', Monitor, process, _, Reason} -> give_up(Reason)
            after 20000 -> give_up("a scenario does not end")
            end;
        eof ->
            halt(0)
    end.

give_up(Reason) ->
    io:format(standard_error, "~p~n", [Reason]),
    halt(1).

write(Outcomes) ->
    Lines = [[[["e ", E, "\n"] || E <- Entries], [["t ", T, "\n"] || T <- Trees], ".\n"]
             || {Entries, Trees} <- Outcomes],
    io:put_chars([Lines, "end\n"]).

%% The clock

patch_clock() ->
    Forms = case beam_lib:chunks(code:which(supervisor), [abstract_code]) of
        {ok, {_, [{abstract_code, {_, Found}}]}} -> Found;
        _ -> give_up("OTP's supervisor was compiled without debug_info")
    end,
    Patched = patch(Forms),
    Patched =:= Forms andalso give_up("OTP's supervisor asks for the time in another way"),
    {ok, supervisor, Binary} = compile:forms(Patched, []),
    code:unstick_mod(supervisor),
    {module, supervisor} = code:load_binary(supervisor, "supervisor.beam", Binary),
    ok.

patch({call, At, {remote, _, {atom, _, erlang}, {atom, _, monotonic_time}}, [{integer, _, 1}]}) ->
    {call, At, {remote, At, {atom, At, ?MODULE}, {atom, At, seconds}}, []};
patch(Form) when is_tuple(Form) -> list_to_tuple(patch(tuple_to_list(Form)));
patch([First | Rest]) -> [patch(First) | patch(Rest)];
patch(Other) -> Other.

%% In a supervisor: the whole seconds of its scenario's clock.
seconds() ->
    case get(table) of
        undefined -> erlang:monotonic_time(1);
        Table -> floor(ets:lookup_element(Table, now, 2))
    end.

%% What happens

note(Table, Format, Arguments) ->
    Entry = io_lib:format(Format, Arguments),
    ets:insert(Table, {{entry, erlang:unique_integer([monotonic])}, lists:flatten(Entry)}).

entries(Table) ->
    Entries = lists:append(ets:match(Table, {{entry, '_'}, '$1'})),
    ets:match_delete(Table, {{entry, '_'}, '_'}),
    Entries.

%% A handler of the logger's: it runs in the supervisor that reports.
log(#{msg := {report, #{label := {supervisor, Context}, report := Report}}}, _) ->
    Id = proplists:get_value(id, proplists:get_value(offender, Report)),
    Reason = words(proplists:get_value(reason, Report)),
    case {get(table), Context} of
        {undefined, _} -> ok;
        {Table, shutdown} -> note(Table, "gave_up ~s", [Id]);
        {Table, child_terminated} -> note(Table, "terminated ~s: ~s", [Id, Reason]);
        {Table, _} -> note(Table, "~s ~s: ~s", [Context, Id, Reason])
    end;
log(_, _) ->
    ok.

words({shutdown, {failed_to_start_child, Id, _}}) -> io_lib:format("failed ~s", [Id]);
words({shutdown, Why}) -> io_lib:format("shutdown(~s)", [Why]);
words(Reason) -> io_lib:format("~p", [Reason]).

%% Workers and supervisors

start_child(Table, #{kind := worker} = Spec) ->
    gen_server:start_link(?MODULE, {Table, Spec}, []);
start_child(Table, #{kind := supervisor} = Spec) ->
    supervisor:start_link(?MODULE, {Table, Spec}).

child_spec(Table, #{kind := Kind} = Spec) ->
    Told = maps:with([id, restart, shutdown, significant], Spec),
    Told#{type => Kind, start => {?MODULE, start_child, [Table, Spec]}}.

init({Table, #{kind := Kind, id := Id} = Spec}) ->
    put(table, Table),
    Plan = next_plan(Table, Id),
    note(Table, "~s ~s", [Plan, Id]),
    case {Plan, Kind} of
        {ignore, _} ->
            ignore;
        {fail, _} ->
            exit(error);
        {start, worker} ->
            process_flag(trap_exit, true),
            {ok, {Table, Spec}};
        {start, supervisor} ->
            Flags = maps:with([strategy, intensity, period, auto_shutdown], Spec),
            {ok, {Flags, [child_spec(Table, Child) || Child <- maps:get(children, Spec)]}}
    end.

next_plan(Table, Id) ->
    case ets:lookup(Table, {plans, Id}) of
        [{Key, [Plan | Rest]}] ->
            ets:insert(Table, {Key, Rest}),
            Plan;
        _ ->
            start
    end.

handle_call(_, _, State) -> {noreply, State}.
handle_cast(_, State) -> {noreply, State}.

handle_info(crash, _) -> exit(error);
handle_info({exit, Reason}, State) -> {stop, Reason, State};
handle_info(_, State) -> {noreply, State}.

%% As `on_stop`, which does not run after a crash.
terminate(error, _) -> ok;
terminate(_, {_, #{hangs := true}}) -> receive never -> ok end;
terminate(_, {Table, #{id := Id}}) -> note(Table, "stop ~s", [Id]).

%% A scenario: its table, its parent and its root; and as they were seen last, all that run, each
%% with the supervisor above it, and the children of each supervisor in words.

play(#{id := Id} = Tree, Script) ->
    Table = ets:new(scenario, [ordered_set, public]),
    ets:insert(Table, {now, 0.0}),
    Self = self(),
    Parent = spawn(fun() -> parent(Self, Table, Tree) end),
    Play = #{table => Table, id => Id, parent => Parent, running => #{}, trees => []},
    {Outcomes, _} = lists:mapfoldl(fun outcome/2, Play, Script),
    Outcomes.

parent(Player, Table, Tree) ->
    process_flag(trap_exit, true),
    receive start -> Player ! {started, start_child(Table, Tree)} end,
    parent_loop().

parent_loop() ->
    receive
        {exit, Reason} -> exit(Reason);
        _ -> parent_loop()
    end.

outcome({start}, #{table := Table, id := Id, parent := Parent} = Play) ->
    Parent ! start,
    Started = receive
        {started, {ok, Root}} ->
            look(Play#{root => Root, monitor => monitor(process, Root)});
        {started, {error, Reason}} ->
            note(Table, "exit ~s: ~s", [Id, words(Reason)]),
            Play
    end,
    {{entries(Table), maps:get(trees, Started)}, Started};
outcome(Step, #{table := Table, trees := Before} = Play) ->
    Answers = [["-> ", Answer] || Answer <- do(Step, Play)],
    #{trees := Trees} = Next = look(Play),
    Ends = [["exit ", atom_to_list(maps:get(id, Play)), ": ", ended(Play)]
            || Trees =:= [], Before =/= []],
    {{entries(Table) ++ Answers ++ Ends, Trees}, Next}.

ended(#{monitor := Monitor}) ->
    receive {'DOWN', Monitor, process, _, Reason} -> words(Reason) end.

%% Looks again and again until each supervisor has heard of all that it will hear of.
look(#{root := Root, id := Id} = Play) ->
    try look_at(Id, Root, none, {#{}, []}) of
        {Running, Trees} -> Play#{running := Running, trees := Trees}
    catch
        throw:again ->
            case is_process_alive(Root) of
                true -> look(Play);
                false -> Play#{running := #{}, trees := []}
            end
    end;
look(Play) ->
    Play.

look_at(Id, Pid, Above, {Running, Trees}) ->
    Children = try supervisor:which_children(Pid) catch exit:_ -> throw(again) end,
    Seen = {Running#{Id => {Pid, Above}}, Trees ++ [listed(Id, Children)]},
    lists:foldl(
        fun ({_, restarting, _, _}, _) -> throw(again);
            ({_, undefined, _, _}, Sofar) -> Sofar;
            ({Child, ChildPid, Kind, _}, {SofarRunning, SofarTrees} = Sofar) ->
                is_process_alive(ChildPid) orelse throw(again),
                case Kind of
                    supervisor -> look_at(Child, ChildPid, Id, Sofar);
                    worker -> {SofarRunning#{Child => {ChildPid, Id}}, SofarTrees}
                end
        end,
        Seen,
        Children).

listed(Id, []) ->
    [atom_to_list(Id), ": nobody"];
listed(Id, Children) ->
    States = [[atom_to_list(Child), " ", state(Pid)] || {Child, Pid, _, _} <- Children],
    [atom_to_list(Id), ": ", lists:join(", ", States)].

state(undefined) -> "stopped";
state(restarting) -> "restarting";
state(_) -> "running".

%% What a step does; the answers to its calls

do({Plan, Id, Count}, #{table := Table}) when Plan =:= fail; Plan =:= ignore ->
    Before = case ets:lookup(Table, {plans, Id}) of [{_, Plans}] -> Plans; [] -> [] end,
    ets:insert(Table, {{plans, Id}, Before ++ lists:duplicate(Count, Plan)}),
    [];
do({advance, Seconds}, #{table := Table}) ->
    ets:insert(Table, {now, ets:lookup_element(Table, now, 2) + Seconds}),
    [];
do({parent, _}, #{trees := []}) ->
    [];
do({parent, Reason}, #{parent := Parent, root := Root}) ->
    until_down(Root, fun() -> Parent ! {exit, Reason} end);
do({stranger, Id, Reason}, #{running := Running}) ->
    case Running of
        #{Id := {Tree, _}} ->
            {Pid, Monitor} = spawn_monitor(fun() -> link(Tree), exit(Reason) end),
            receive {'DOWN', Monitor, process, Pid, _} -> [] end;
        #{} ->
            []
    end;
do({meanwhile, Id, Steps}, #{running := Running} = Play) ->
    case Running of
        #{Id := {Tree, _}} -> meanwhile(Tree, Steps, Play);
        #{} -> []
    end;
do(Step, #{running := Running} = Play) ->
    case {is_end(Step), Running} of
        {true, #{element(2, Step) := {Pid, _}}} -> until_down(Pid, fun() -> finish(Step, Pid) end);
        {true, #{}} -> [];
        {false, #{}} -> [call(Step, Play)]
    end.

is_end(Step) -> lists:member(element(1, Step), [crash, exit, kill, stop]).

finish({crash, _}, Pid) -> Pid ! crash;
finish({exit, _, Reason}, Pid) -> Pid ! {exit, Reason};
finish({kill, _}, Pid) -> exit(Pid, kill);
finish({stop, _}, Pid) -> gen_server:stop(Pid).

until_down(Pid, Finish) ->
    Monitor = monitor(process, Pid),
    Finish(),
    receive {'DOWN', Monitor, process, Pid, _} -> [] end.

%% Holds a supervisor until all that comes of these steps waits for it.
meanwhile(Tree, Steps, Play) ->
    ok = sys:suspend(Tree),
    {Callers, _} = lists:foldl(
        fun(Step, {Callers, #{running := Running} = Now}) ->
            case {is_end(Step), element(1, Step), Running} of
                {true, _, #{element(2, Step) := {Pid, _}}} ->
                    until_down(Pid, fun() -> finish(Step, Pid) end),
                    until_waiting(Tree, fun({'EXIT', Who, _}) -> Who =:= Pid; (_) -> false end),
                    {Callers, Now#{running := maps:remove(element(2, Step), Running)}};
                {true, _, #{}} ->
                    {Callers, Now};
                {false, Plan, _} when Plan =:= fail; Plan =:= ignore; Plan =:= advance ->
                    [] = do(Step, Now),
                    {Callers, Now};
                {false, _, _} ->
                    {Pid, Monitor} = spawn_monitor(fun() -> exit({answer, call(Step, Play)}) end),
                    until_waiting(
                        Tree, fun({'$gen_call', {Who, _}, _}) -> Who =:= Pid; (_) -> false end),
                    {[Monitor | Callers], Now}
            end
        end,
        {[], Play},
        Steps),
    ok = sys:resume(Tree),
    [receive {'DOWN', Caller, process, _, {answer, Answer}} -> Answer end
     || Caller <- lists:reverse(Callers)].

until_waiting(Pid, IsIt) ->
    {messages, Messages} = process_info(Pid, messages),
    case lists:any(IsIt, Messages) of
        true -> ok;
        false -> until_waiting(Pid, IsIt)
    end.

call(Step, #{table := Table, running := Running}) ->
    [Method, Id | Arguments] = tuple_to_list(Step),
    case Running of
        #{Id := {Tree, _}} ->
            Given = [given(Table, Each) || Each <- Arguments],
            try apply(supervisor, Method, [Tree | Given]) of
                Answer -> answer(Answer, Method, Id, Arguments)
            catch
                exit:_ -> "dead"
            end;
        #{} ->
            "dead"
    end.

given(Table, #{} = Spec) -> child_spec(Table, Spec);
given(_, Id) -> Id.

answer(Children, which_children, Id, []) ->
    listed(Id, Children);
answer(Counts, count_children, _, []) ->
    io_lib:format("~p specs, ~p active, ~p supervisors, ~p workers",
                  [proplists:get_value(Key, Counts) || Key <- [specs, active, supervisors, workers]]);
answer(ok, _, _, _) -> "ok";
answer({ok, undefined}, _, _, _) -> "none";
answer({ok, _}, _, _, _) -> "started";
answer({error, {already_started, _}}, start_child, _, _) -> "already_started";
answer({error, {Reason, _}}, start_child, _, [#{id := Id}]) -> failed(Id, Reason);
answer({error, Refusal}, _, _, _)
    when Refusal =:= already_present; Refusal =:= not_found;
         Refusal =:= restarting; Refusal =:= running ->
    atom_to_list(Refusal);
answer({error, Reason}, restart_child, _, [Id]) -> failed(Id, Reason).

failed(Id, Reason) -> io_lib:format("failed ~s: ~s", [Id, words(Reason)]).
