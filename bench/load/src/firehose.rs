//! A server that stands in for a hub's stream and writes messages as fast as a client takes them.
//!
//! It measures the client: the same bytes go to every client that asks, and making them costs little.

use std::{cell::Cell, time::Instant};

use anyhow::{Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
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
    let ack = json!({
        "type": "ack", "sender": "orochi-server", "id": uuid::Uuid::now_v7().to_string(), "ts": "2026-01-15T10:30:00.000000+00:00",
        "payload": {
            "status": "ok", "ref": register["id"], "seq": 0, "epoch": uuid::Uuid::new_v4().to_string(), "cursor": null,
            "heartbeat": 20,
        },
    });
    socket.send(Frame::text(ack.to_string())).await?;
    // From here on the frames are made below, which costs less than the library's way of writing one at a time.
    let (reader, mut writer) = socket.into_inner().into_split();
    let (answers, mut to_answer) = mpsc::unbounded_channel();
    let reading = spawn_local(read(reader, answers));
    let stream = Stream::new();
    let mut piece = Vec::with_capacity(PIECE_BYTES + 1024);
    let started = Instant::now();
    let mut sent = 0;
    while sent < messages {
        piece.clear();
        while sent < messages && piece.len() < PIECE_BYTES {
            sent += 1;
            stream.append(&mut piece, sent);
        }
        while let Ok(answer) = to_answer.try_recv() {
            piece.extend_from_slice(&answer);
        }
        writer.write_all(&piece).await?;
    }
    let seconds = started.elapsed().as_secs_f64();
    while let Some(answer) = to_answer.recv().await {
        writer.write_all(&answer).await?;
    }
    writer.shutdown().await?;
    reading.await??;
    Ok(json!({ "sent": sent, "seconds": seconds }))
}

/// Reads what the client says and passes on the frames that answer it; ends after a close.
async fn read(mut reader: tokio::net::tcp::OwnedReadHalf, answers: mpsc::UnboundedSender<Vec<u8>>) -> Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    loop {
        let read = reader.read(&mut buffer[filled..]).await?;
        ensure!(read > 0, "the client left without a close");
        filled += read;
        let mut looked_at = 0;
        while let Some(frame) = wire::next_frame(&buffer[looked_at..filled])? {
            let (start, end) = (looked_at + frame.payload.start, looked_at + frame.payload.end);
            let answer_opcode = match frame.opcode {
                PING => Some(PONG),
                CLOSE => Some(CLOSE),
                _ => None,
            };
            if let Some(opcode) = answer_opcode {
                let key: [u8; 4] = buffer[start - 4..start].try_into().expect("four bytes were asked for");
                let payload = buffer[start..end].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
                let mut answer = Vec::new();
                wire::queue_server_head(&mut answer, opcode, end - start);
                answer.extend(payload);
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
