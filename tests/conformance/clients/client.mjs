// A client of the wire protocol in Node without a dependency, by docs/protocol.md, section 11; its comments name the
// steps there. It is driven by the conformance kit over stdin and stdout. Run it with --experimental-websocket on Node 20.

import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";

const FRAME_BYTES_MAX = 1024 * 1024;
const SILENT_HEARTBEATS = 3;
const WAIT_MS_MAX = 30_000;
const LASTED_MS = 60_000;
const FINAL = new Set(["AUTH_FAILED", "SESSION_REPLACED", "INVALID_NAME", "INVALID_CHANNEL"]);

const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

/** Step 5: new in the world, and in the order of time. */
function uuid7() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

class Client {
  constructor({ url, token, name, channels }) {
    this.url = token ? `${url}?token=${encodeURIComponent(token)}` : url;
    this.name = name;
    this.channels = channels;
    /** Of channels that were joined later, the seq of the ack. */
    this.joined = {};
    this.position = null;
    this.epoch = null;
    this.channelsFrom = 0;
    /** Requests without an answer, in the order of their first sending. */
    this.waiting = new Map();
    this.tries = 0;
    this.heartbeatMs = 20_000;
    /** From an error's retry_after to the next register. */
    this.waitMsMin = 0;
    this.isOver = false;
    this.open();
  }

  /** Steps 1 and 2. */
  open() {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.isRegistered = false;
    this.hasCarried = false;
    this.began = Date.now();
    this.heard();
    socket.onopen = () => (this.socket === socket ? this.register(this.position ?? "stored") : socket.close());
    socket.onmessage = ({ data }) => this.socket === socket && this.take(JSON.parse(data));
    socket.onclose = ({ code }) => this.socket === socket && this.lost(code);
    // A handshake that is refused ends with this alone.
    socket.onerror = () => this.socket === socket && socket.readyState !== WebSocket.OPEN && this.lost(0);
  }

  register(resume) {
    const payload = { channels: this.channels, resume };
    const joined = this.joinedAfter(resume);
    if (typeof resume === "number" || Object.keys(joined).length > 0) {
      payload.epoch = this.epoch;
      payload.joined = joined;
    }
    this.registerId = uuid7();
    this.transmit({ type: "register", sender: this.name, id: this.registerId, payload });
  }

  /** The channels with the seqs after which this client is in them, where these are above the position. */
  joinedAfter(resume) {
    const position = resume === "stored" ? 0 : resume;
    // Before its first register it was in no channel. Of a "stored" register the hub knows that itself.
    const floor = resume === "stored" || position >= this.channelsFrom ? 0 : this.channelsFrom;
    const entries = this.channels.map((channel) => [channel, Math.max(this.joined[channel] ?? 0, floor)]);
    return Object.fromEntries(entries.filter(([, seq]) => seq > position));
  }

  take(frame) {
    this.heard();
    const { type, payload } = frame;
    if (type === "message" && frame.sender !== "orochi-server") return this.takeMessage(frame);
    if (type !== "ack" && type !== "error") return undefined;
    if (payload.ref === this.registerId) return this.registered(type, payload);
    if (type === "error" && payload.ref === undefined) return FINAL.has(payload.code) && this.end(payload.code);
    return this.answered(type, payload);
  }

  /** Steps 3 and 4. */
  takeMessage({ seq, sender, payload }) {
    if (this.position !== null && seq <= this.position) return;
    this.position = seq;
    this.hasCarried = true;
    tell({ event: "message", seq, sender, channel: payload.channel, content: payload.content });
  }

  /** Step 9. */
  registered(type, payload) {
    if (type === "error") {
      if (payload.code === "RESUME_BEYOND") {
        this.position = null;
        this.joined = {};
        return this.register("stored");
      }
      this.waitMsMin = (payload.retry_after ?? 0) * 1000;
      return FINAL.has(payload.code) ? this.end(payload.code) : this.socket.close();
    }
    if (payload.resumed === false || (this.epoch !== null && payload.epoch !== this.epoch)) {
      this.position = null;
      this.joined = {};
    }
    if (this.position === null) this.channelsFrom = payload.channels_from ?? 0;
    this.epoch = payload.epoch;
    this.isRegistered = true;
    clearInterval(this.beating);
    this.heartbeatMs = payload.heartbeat * 1000;
    this.beating = setInterval(() => this.request("heartbeat", {}), this.heartbeatMs);
    tell({ event: "registered", resumed: payload.resumed ?? null });
    // Step 10.
    for (const { frame } of this.waiting.values()) this.transmit(frame);
    return undefined;
  }

  answered(type, payload) {
    const request = this.waiting.get(payload.ref);
    if (!request) return;
    if (type === "error" && payload.retry_after !== undefined) {
      setTimeout(() => this.isRegistered && this.transmit(request.frame), payload.retry_after * 1000);
      return;
    }
    this.hasCarried = true;
    this.waiting.delete(payload.ref);
    request.done(type === "ack" ? payload : null, payload.code);
  }

  request(type, payload, done = () => {}) {
    const frame = { type, sender: this.name, id: uuid7(), payload };
    if (Buffer.byteLength(JSON.stringify(frame)) > FRAME_BYTES_MAX) return done(null, "TOO_LARGE");
    if (type === "heartbeat" && !this.isRegistered) return undefined;
    this.waiting.set(frame.id, { frame, done });
    if (this.isRegistered) this.transmit(frame);
    return undefined;
  }

  transmit(frame) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  /** Step 7. WebSocket in Node shows no pings; a heartbeat's ack is a sign of life as well. */
  heard() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(0), this.heartbeatMs * SILENT_HEARTBEATS);
  }

  /** Step 8. */
  lost(code) {
    // A dead one is not waited for: its own end, if it comes at all, is not looked at any more.
    const { socket } = this;
    this.socket = null;
    if (socket.readyState === WebSocket.OPEN) socket.close();
    this.isRegistered = false;
    clearInterval(this.beating);
    clearTimeout(this.silence);
    if (this.isOver) return;
    if (code === 4001) return this.end("AUTH_FAILED");
    if (code === 4009) return this.end("SESSION_REPLACED");
    if (Date.now() - this.began > LASTED_MS) this.tries = 0;
    else if (this.hasCarried) this.tries = Math.floor(this.tries / 2);
    const wait = Math.min(500 * 2 ** this.tries * (1 + Math.random()), WAIT_MS_MAX);
    this.tries += 1;
    setTimeout(() => this.isOver || this.open(), Math.max(wait, this.waitMsMin));
    this.waitMsMin = 0;
  }

  end(code) {
    if (this.isOver) return;
    this.isOver = true;
    tell({ event: "final", code });
    this.socket?.close();
  }

  close() {
    this.isOver = true;
    clearInterval(this.beating);
    clearTimeout(this.silence);
    this.socket?.close(1000);
  }
}

let client;
const commands = {
  connect: (command) => {
    client = new Client(command);
  },
  join: ({ channel }) =>
    client.request("subscribe", { channel }, (ack) => {
      client.channels.push(channel);
      client.joined[channel] ??= ack.seq;
      tell({ event: "joined", channel });
    }),
  send: ({ key, channel, content }) =>
    client.request("message", { channel, content }, (ack, code) =>
      tell(ack ? { event: "acked", key, seq: ack.seq } : { event: "refused", key, code }),
    ),
  seen: ({ seq }) => client.request("heartbeat", { seen: seq }, () => tell({ event: "seen", seq })),
  close: () => {
    client?.close();
    lines.close();
    process.stdin.destroy();
  },
};
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const command = JSON.parse(line);
  commands[command.do](command);
});
