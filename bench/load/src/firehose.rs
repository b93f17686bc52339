//! A server that stands in for a hub's stream and writes messages as fast as a client takes them.
//!
//! It measures the client: the same bytes go to every client that asks, and making them costs little. A client whose
//! inbox is full lets messages go by and fetches them from the log later, so a register that resumes is served too.

use std::cell::Cell;

use anyhow::{Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    sync::mpsc,
    task::spawn_local,
};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::{frames, idle, wire};

/// Messages are written in pieces of this size, about what a busy hub hands to one connection at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Close and ping, as in RFC 6455, 5.2, and their answers.
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

#[derive(clap::Args)]
pub struct Options {
    /// Port to listen on; 0 takes a free one, which the first line of output names.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Messages each client gets.
    #[arg(long, default_value_t = 200_000)]
    messages: u32,
}

pub async fn run(options: Options) -> Result<Value> {
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    println!("{}", json!({ "port": listener.local_addr()?.port() }));
    let served = Cell::new(0_usize);
    let serve = async {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            spawn_local(async move {
                match serve(stream, options.messages).await {
                    Ok(result) => println!("{result}"),
                    Err(error) => eprintln!("orochi-load: a client of the firehose: {error:#}"),
                }
            });
            served.set(served.get() + 1);
        }
    };
    tokio::select! {
        result = serve => result,
        () = idle::stdin_closed() => Ok(json!({ "mode": "firehose", "ok": true, "clients": served.get() })),
    }
}

async fn serve(stream: TcpStream, messages: u32) -> Result<Value> {
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    let register: Value = match socket.next().await {
        Some(frame) => serde_json::from_slice(&frame?.into_data())?,
        None => bail!("left before it registered"),
    };
    ensure!(register["type"] == "register", "began with {register}");
    let epoch = uuid::Uuid::new_v4().to_string();
    socket.send(Frame::text(ack(&register, &epoch, 0))).await?;
    // From here on the frames are made below, which costs less than the library's way of writing one at a time.
    let (reader, mut writer) = socket.into_inner().into_split();
    let (answers, mut to_answer) = mpsc::unbounded_channel();
    let reading = spawn_local(read(reader, answers, Log { epoch, messages }));
    let stream = Stream::new();
    let mut piece = Vec::with_capacity(PIECE_BYTES + 1024);
    let (mut sent, mut resumes) = (0, 0);
    loop {
        piece.clear();
        // When all is sent, only an answer is left to wait for; the reader's end is the client's.
        let answer = if sent < messages { to_answer.try_recv().ok() } else { to_answer.recv().await };
        match answer {
            Some(Answer { frame, resume_after }) => {
                piece.extend_from_slice(&frame);
                resumes += u32::from(resume_after.is_some());
                sent = resume_after.unwrap_or(sent);
            }
            None if sent == messages => break,
            None => {}
        }
        while sent < messages && piece.len() < PIECE_BYTES {
            sent += 1;
            stream.append(&mut piece, sent);
        }
        if let Err(error) = writer.write_all(&piece).await {
            // A client that has closed takes no more; the reader says whether it did so in order.
            if reading.is_finished() {
                break;
            }
            return Err(error.into());
        }
    }
    reading.await??;
    Ok(json!({ "sent_up_to": sent, "resumes": resumes }))
}

/// The log that this stands in for.
struct Log {
    epoch: String,
    messages: u32,
}

/// The frames that the writer has to send, and the position to continue from.
struct Answer {
    frame: Vec<u8>,
    resume_after: Option<u32>,
}

/// Reads what the client says and passes on the frames that answer it; ends after a close.
async fn read(mut reader: OwnedReadHalf, answers: mpsc::UnboundedSender<Answer>, log: Log) -> Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    loop {
        let read = reader.read(&mut buffer[filled..]).await?;
        ensure!(read > 0, "the client left without a close");
        filled += read;
        let mut looked_at = 0;
        while let Some(frame) = wire::next_frame(&buffer[looked_at..filled])? {
            let (start, end) = (looked_at + frame.payload.start, looked_at + frame.payload.end);
            if let Some(answer) = answer(&frame, &buffer[..end], start, &log) {
                // The writer is gone only when its socket is.
                let _ = answers.send(answer);
            }
            if frame.opcode == CLOSE {
                return Ok(());
            }
            looked_at = end;
        }
        buffer.copy_within(looked_at..filled, 0);
        filled -= looked_at;
        ensure!(filled < buffer.len(), "a frame larger than {} bytes", buffer.len());
    }
}

/// A hub's answer to a client's frame: pings, closes, and an ack to each request.
fn answer(frame: &wire::Frame, bytes: &[u8], start: usize, log: &Log) -> Option<Answer> {
    let key = &bytes[start - 4..start];
    let payload: Vec<u8> = bytes[start..].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    let mut resume_after = None;
    let (opcode, payload) = match frame.opcode {
        PING => (PONG, payload),
        CLOSE => (CLOSE, payload),
        wire::TEXT => {
            let request: Value = serde_json::from_slice(&payload).ok()?;
            let resume = request["payload"]["resume"].as_u64().and_then(|seq| u32::try_from(seq).ok());
            resume_after = resume.filter(|_| request["type"] == "register");
            (wire::TEXT, ack(&request, &log.epoch, log.messages).into_bytes())
        }
        _ => return None,
    };
    let mut frame = Vec::new();
    wire::queue_server_head(&mut frame, opcode, payload.len());
    frame.extend_from_slice(&payload);
    Some(Answer { frame, resume_after })
}

/// The ack of a register, which does for a heartbeat too.
fn ack(request: &Value, epoch: &str, head: u32) -> String {
    let mut payload = json!({
        "status": "ok", "ref": request["id"], "seq": head, "epoch": epoch, "cursor": null, "heartbeat": 20,
    });
    if request["payload"]["resume"].is_u64() {
        payload["resumed"] = Value::Bool(true);
    }
    let id = uuid::Uuid::now_v7().to_string();
    let ts = "2026-01-15T10:30:00.000000+00:00";
    json!({ "type": "ack", "sender": "orochi-server", "id": id, "ts": ts, "payload": payload }).to_string()
}

/// Delivered messages as the hub writes them; only the end of the id and `seq` change.
struct Stream {
    id_start: String,
}

const PAYLOAD: &str = concat!(
    r##"","ts":"2026-01-15T10:30:00.123456+00:00","payload":{"channel":"#general","content":"##,
    r##""load: the build is green again and the next batch of parameters is queued on the second node","##,
    r##""metadata":{},"mentions":[]},"seq":"##,
);

impl Stream {
    fn new() -> Self {
        let id = uuid::Uuid::now_v7().to_string();
        Self { id_start: id[..28].to_owned() }
    }

    fn append(&self, piece: &mut Vec<u8>, seq: u32) {
        let mut place = [b'0'; 8];
        frames::write_hex(&mut place, seq);
        let seq = seq.to_string();
        let parts: [&[u8]; 6] = [
            br#"{"type":"message","sender":"load-s0","id":""#,
            self.id_start.as_bytes(),
            &place,
            PAYLOAD.as_bytes(),
            seq.as_bytes(),
            b"}",
        ];
        wire::queue_server_head(piece, wire::TEXT, parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| piece.extend_from_slice(part));
    }
}
