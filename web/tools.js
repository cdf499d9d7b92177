/**
 * Functions of a page that the agent may call: offered in the session, run when they are called,
 * their results sent back. Events in, events out; knows no connection and no document.
 */

/** @import { ServerEvent } from './conversation.js' */

/**
 * `parameters` is a JSON Schema of an object. `run` gets that object, as the agent filled it in,
 * and may be async; what it throws is told to the agent, as what it returns is.
 * @typedef {{description?: string, parameters?: object, run: (args: any) => unknown}} Tool
 */

/** @typedef {{type: string, [field: string]: unknown}} ClientEvent */

const EVENT_BYTES = 16_384; // as the server allows

export class Tools {
  /** @type {Map<string, Tool>} */
  #tools;
  /** By call_id, those that have no output yet. @type {Map<string, object>} */
  #open = new Map();

  /** @param {Record<string, Tool>} tools by name; throws TypeError for one that cannot run */
  constructor(tools) {
    this.#tools = new Map(Object.entries(tools));
    for (const [name, tool] of this.#tools) {
      if (typeof tool?.run !== 'function') throw new TypeError(`tools.${name}: no function "run" in it`);
    }
  }

  /**
   * A session that offers these functions besides what it has.
   * @param {{tools?: unknown[]} | undefined} session
   */
  offerIn(session) {
    if (this.#tools.size === 0) return session;
    const offered = [...this.#tools].map(([name, { description = '', parameters }]) => ({
      type: 'function',
      name,
      description,
      parameters: parameters ?? { type: 'object', properties: {} },
    }));
    return { ...session, tools: [...(session?.tools ?? []), ...offered] };
  }

  /**
   * Run the function that `event` calls. A call of another function is somebody else's to answer,
   * and so is one that has its output by the time the function returns: the server waits for a
   * while only.
   * @param {ServerEvent} event
   * @returns {Promise<ClientEvent[]>} the answer; never rejects
   */
  async answer(event) {
    const { type, item } = event;
    if (type === 'conversation.item.added' && item?.type === 'function_call_output') {
      this.#open.delete(item.call_id);
    }
    const call = type === 'response.output_item.done' ? item : null;
    const tool = call?.type === 'function_call' ? this.#tools.get(call.name) : undefined;
    if (!tool) return [];
    this.#open.set(call.call_id, call);
    const output = await outcome(tool, call.arguments);
    if (this.#open.get(call.call_id) !== call) return [];
    this.#open.delete(call.call_id);
    const [answer, next] = result(call.call_id, output);
    if (new TextEncoder().encode(JSON.stringify(answer)).length <= EVENT_BYTES) return [answer, next];
    return result(call.call_id, failure(`the result of ${call.name} is too long`));
  }
}

/** @param {Tool} tool @param {string} json @returns {Promise<string>} */
async function outcome(tool, json) {
  try {
    const value = await tool.run(JSON.parse(json || '{}'));
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} reason */
function failure(reason) {
  return JSON.stringify({ error: reason });
}

/** @param {string} callId @param {string} output @returns {ClientEvent[]} */
function result(callId, output) {
  const item = { type: 'function_call_output', call_id: callId, output };
  return [{ type: 'conversation.item.create', item }, { type: 'response.create' }];
}
