// The shapes that modules share, for `tsc --checkJs` in `make lint`. This module holds no code.

/**
 * An agent as the overview has it, and what the page adds.
 * @typedef {object} Agent
 * @property {string} name
 * @property {boolean} online
 * @property {string} status
 * @property {string} current_task
 * @property {number | null} progress
 * @property {string} machine
 * @property {string} role
 * @property {string} project
 * @property {string} model
 * @property {string[]} channels
 * @property {number | null} cursor
 * @property {string} last_heartbeat
 * @property {string | null} last_seen
 * @property {string | null} state_since
 * @property {"wake" | "turn" | "poll" | null} [reach] how messages reach it, where it said so
 * @property {{seq: number, ts: string, channel: string, content: string} | null} last_words
 * @property {{count: number, oldest_seq: number | null, oldest_ts: string | null, from: string[]}} waiting
 * @property {{reason: string, detail: string, since: string} | null} stuck
 * @property {{was: string, detail: string, since: string} | null} [lost]
 * @property {boolean} [isDismissed] whether somebody has dealt with its loss
 */

/**
 * A message as a row of the log.
 * @typedef {object} Row
 * @property {number} seq
 * @property {string} ts
 * @property {string} sender
 * @property {string} channel
 * @property {string} content
 * @property {string} [html]
 * @property {string} [msg_id]
 * @property {string[]} [mentions]
 * @property {object} [metadata]
 * @property {number | null} [reply_to]
 * @property {string} [snippet] of a hit of a search: the part around its matches
 * @property {[number, number][]} [ranges] of a hit of a search: its matches, in code points of the content
 */

/**
 * A channel, with its newest message.
 * @typedef {{name: string, members: string[], last: {seq: number, ts: string, sender: string} | null}} Channel
 */

/**
 * All that the page knows; `model/state.js` makes it.
 * @typedef {object} State
 * @property {string} connection
 * @property {string | null} now the hub's time
 * @property {string | null} started when the hub started
 * @property {string} name the hub's own name
 * @property {number} agentPort
 * @property {number} more agents that are not listed
 * @property {Record<string, string>} dismissed
 * @property {string | null} epoch
 * @property {string | null} gitea
 * @property {Map<string, Agent>} agents
 * @property {Map<string, Channel>} channels
 * @property {Row[]} messages
 * @property {number | null} lastSeq
 */

/**
 * The contract of a view: what `main.js` calls, and nothing else.
 * @typedef {object} View
 * @property {HTMLElement} element shown in the main area
 * @property {(state: State) => void} update the state changed
 * @property {() => void} [tick] an overview came: time for what is asked again now and then
 * @property {() => Promise<void> | void} [shown] the element is on the page; resolves when it has all it needs
 * @property {() => HTMLElement[]} [items] what the keys j and k step through
 * @property {(item: HTMLElement) => void} [chosen] Enter was pressed on an item
 * @property {HTMLElement} [home] what gets the focus on arrival
 * @property {() => void} [again] the address that is shown was asked for again
 * @property {() => void} [focus] the view's own key was pressed while it is shown
 * @property {Record<string, () => void>} [keys] keys of the view's own
 * @property {() => void} [end] the view is left
 */

/**
 * The arguments of a view.
 * @typedef {object} Given
 * @property {Record<string, string>} params of the address
 * @property {string} name the second part of the path
 * @property {string[]} path of the address
 * @property {(params: Record<string, string>, options?: {isStep?: boolean}) => void} go changes the params
 * @property {(error: Error) => void} onError
 * @property {(agent: string, since: string) => void} dismiss
 */

export {};
