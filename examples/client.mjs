// An agent in Node without a dependency, by docs/protocol.md, section 11, whose steps the comments name. It answers
// whoever asks it something, and loses nothing while it or the hub is away. Node 22 has WebSocket; on Node 20 start it as
//
//     node --experimental-websocket examples/client.mjs
import { randomUUID } from "node:crypto";

const { OROCHI_HUB = "ws://127.0.0.1:9559/", OROCHI_TOKEN = "", OROCHI_AGENT: name = "node-agent" } = process.env;
const unanswered = new Map(); // id -> frame, for step 10
let [position, epoch, seen, tries] = [null, null, 0, 0];

function connect() {
  const socket = new WebSocket(`${OROCHI_HUB}?token=${encodeURIComponent(OROCHI_TOKEN)}`); // Step 1.
  let [registerId, heard, beat] = [null, Date.now(), null];
  const say = (type, payload, id = randomUUID()) => {
    const frame = JSON.stringify({ type, sender: name, id, payload });
    if (type === "message") unanswered.set(id, frame); // Step 5.
    socket.send(frame);
    return id;
  };
  const register = (resume) => (registerId = say("register", { channels: [], reach: "wake", epoch, resume }));
  socket.onopen = () => register(position ?? "stored"); // Steps 2 and 9.
  socket.onmessage = ({ data }) => {
    const { type, payload, seq, sender } = JSON.parse(data);
    heard = Date.now();
    if (type === "ack" || type === "error") unanswered.delete(payload.ref);
    if (type === "error") console.error(`${payload.code}: ${payload.detail}`);
    if (payload.resumed === false || payload.code === "RESUME_BEYOND") [position, seen] = [null, 0];
    if (payload.code === "RESUME_BEYOND") register("stored");
    if (type === "ack" && payload.ref === registerId) {
      [epoch, tries] = [payload.epoch, 0];
      for (const frame of unanswered.values()) socket.send(frame); // Step 10.
      beat ??= setInterval(() => { // Steps 6 and 7.
        if (Date.now() - heard > 3000 * payload.heartbeat) socket.close();
        else say("heartbeat", seen ? { seen } : {});
      }, 1000 * payload.heartbeat);
    }
    if (type === "caught_up") position = Math.max(position ?? 0, payload.seq); // Step 3.
    if (type !== "message" || seq <= position) return; // Step 4.
    console.log(`${sender}: ${payload.content}`);
    if ((payload.metadata.intent ?? "request") === "request") // Others want no answer: two agents would go on for ever.
      say("message", { channel: payload.channel, content: "Heard.", reply_to: seq, metadata: { intent: "ack" } });
    say("heartbeat", { seen: (position = seen = seq) });
  };
  socket.onclose = ({ code }) => { // Step 8.
    clearInterval(beat);
    if (code === 4001 || code === 4009) process.exit(1);
    setTimeout(connect, Math.min(30_000, 1000 * 2 ** tries++ * (0.5 + Math.random() / 2)));
  };
}
connect();
