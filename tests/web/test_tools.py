"""tools.js: a page's functions, offered, run and answered for; and in a call of voxline.js."""

import json

import pytest
from playwright.sync_api import Error
from web_call import receive, told

ANSWER = """async ([tools, event]) => {
  const { Tools } = await import('/sdk/tools.js');
  return new Tools(eval(`(${tools})`)).answer(event);
}"""
OFFER = """async ([tools, session]) => {
  const { Tools } = await import('/sdk/tools.js');
  return new Tools(eval(`(${tools})`)).offerIn(session ?? undefined);
}"""
WEATHER = """{
  weather: {
    description: 'Look outside.',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
    run: async ({ city }) => ({ [city]: 'rain' }),
  },
}"""


def calls(name, arguments="{}", kind="response.output_item.done"):
    item = {"type": "function_call", "status": "completed", "call_id": "call_1"}
    return {"type": kind, "item": {**item, "name": name, "arguments": arguments}}


def output(answers):
    answer, then = answers
    assert answer["type"] == "conversation.item.create"
    assert answer["item"]["type"] == "function_call_output"
    assert answer["item"]["call_id"] == "call_1"
    assert then == {"type": "response.create"}
    return answer["item"]["output"]


def test_they_are_offered_as_the_vendor_has_them(bare_page):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "name": "weather", "description": "Look outside."}
    assert bare_page.evaluate(OFFER, [WEATHER, {"instructions": "Hm.", "tools": [1]}]) == {
        "instructions": "Hm.",
        "tools": [1, {**tool, "parameters": parameters}],
    }
    assert bare_page.evaluate(OFFER, ["{stop: {run: () => {}}}", None]) == {
        "tools": [
            {
                "type": "function",
                "name": "stop",
                "description": "",
                "parameters": {"type": "object", "properties": {}},
            }
        ]
    }


def test_no_functions_change_no_session(bare_page):
    assert bare_page.evaluate(OFFER, ["{}", {"instructions": "Hm."}]) == {"instructions": "Hm."}


def test_what_is_called_is_run_and_answered(bare_page):
    answers = bare_page.evaluate(ANSWER, [WEATHER, calls("weather", '{"city": "Bonn"}')])
    assert output(answers) == '{"Bonn":"rain"}'


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("() => 'rain'", "rain"),
        ("() => {}", "null"),
        ("() => [1, 2]", "[1,2]"),
        ("() => { throw new Error('no umbrella') }", '{"error":"no umbrella"}'),
        ("async () => { throw 'no umbrella' }", '{"error":"no umbrella"}'),
        ("() => 'x'.repeat(17000)", '{"error":"the result of f is too long"}'),
    ],
)
def test_whatever_a_function_does_is_an_answer(bare_page, run, said):
    assert output(bare_page.evaluate(ANSWER, [f"{{f: {{run: {run}}}}}", calls("f")])) == said


def test_arguments_that_are_no_json_are_an_answer_too(bare_page):
    said = output(bare_page.evaluate(ANSWER, [WEATHER, calls("weather", "{")]))
    assert "JSON" in json.loads(said)["error"]


@pytest.mark.parametrize(
    "event",
    [
        calls("time"),
        calls("toString"),
        calls("weather", kind="response.output_item.added"),
        {"type": "response.output_item.done", "item": {"type": "message"}},
        {"type": "response.output_item.done"},
        {"type": "error"},
    ],
)
def test_other_events_are_nobodys_call(bare_page, event):
    assert bare_page.evaluate(ANSWER, [WEATHER, event]) == []


AGAIN = """async (event) => {
  const { Tools } = await import('/sdk/tools.js');
  const returns = [];
  const tools = new Tools({ wait: { run: () => new Promise((done) => returns.push(done)) } });
  const answers = [tools.answer(event), tools.answer(event)];
  returns[1]('done');
  const second = await answers[1];
  returns[0]('late');
  return [await answers[0], second];
}"""


def test_an_id_that_comes_again_is_the_latest_functions(bare_page):
    """Engines choose them, and may begin anew in the call after a lost one."""
    first, second = bare_page.evaluate(AGAIN, calls("wait"))
    assert first == [] and output(second) == "done"


CALL = """async () => {
  const { VoxlineCall } = await import('/sdk/voxline.js');
  globalThis.gate = Promise.withResolvers?.() ?? (() => {
    const made = {};
    made.promise = new Promise((resolve) => (made.resolve = resolve));
    return made;
  })();
  globalThis.call = new VoxlineCall({ tools: { wait: { run: () => gate.promise } } });
  return call.call();
}"""


@pytest.mark.parametrize("tools", ["{ x: null }", "{ x: {} }", "{ x: { run: 1 } }"])
def test_what_cannot_run_is_said_by_name(caller, tools):
    with pytest.raises(Error, match=r'TypeError: tools\.x: no function "run" in it'):
        caller().evaluate(OFFER, [tools, None])


def test_a_call_offers_runs_and_answers(caller, site):
    page = caller()
    assert page.evaluate(CALL) is True
    [session] = site.sessions
    assert [tool["name"] for tool in json.loads(session)["tools"]] == ["wait"]
    receive(page, calls("wait"))
    assert page.evaluate("fake.peer.channel.sent") == []
    page.evaluate("gate.resolve('done')")
    page.wait_for_function("fake.peer.channel.sent.length === 2")
    assert output(page.evaluate("fake.peer.channel.sent")) == "done"


def test_a_result_after_the_call_goes_nowhere(caller):
    page = caller()
    page.evaluate(CALL)
    receive(page, calls("wait"))
    page.evaluate("call.hangUp()")
    page.evaluate("gate.resolve('late')")
    page.evaluate("gate.promise.then(() => new Promise((done) => setTimeout(done)))")
    assert page.evaluate("fake.peer.channel.sent") == []


def test_a_function_that_the_agent_has_given_up_is_not_answered_for(caller):
    """Killed: the result was refused before the caller's eyes, and a second reply asked for."""
    page = caller()
    page.evaluate(CALL)
    given_up = {"type": "function_call_output", "call_id": "call_1", "output": "no result"}
    receive(page, calls("wait"), {"type": "conversation.item.added", "item": given_up})
    page.evaluate("gate.resolve('late')")
    page.evaluate("gate.promise.then(() => new Promise((done) => setTimeout(done)))")
    assert page.evaluate("fake.peer.channel.sent") == []


def test_a_result_that_crosses_the_agents_own_on_its_way_is_no_error(caller):
    page = caller()
    page.evaluate("call.call()")
    refused = {"code": "function_call_already_answered", "message": "has its output already"}
    receive(page, {"type": "error", "error": refused})
    assert told(page, "error") == []
