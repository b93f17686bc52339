//! A hub that answers from a script, for cases that a real hub can't produce on demand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// The script's reaction to one request.
pub enum Answer {
    /// Answers with this status and body.
    Http(u16, &'static str),
    /// Reads the request and cuts the connection.
    Cut,
}

/// One request as received.
#[derive(Debug)]
pub struct Asked {
    /// The method and target.
    pub line: String,
    /// The value of its `Authorization`.
    pub authorization: Option<String>,
    /// The body; null if empty.
    pub body: Value,
}

/// The hub. Its thread ends with its script or with the test.
pub struct ScriptedHub {
    /// Its port on 127.0.0.1.
    pub port: String,
    asked: Receiver<Asked>,
}

impl ScriptedHub {
    /// Answers requests one after the other, as in the script.
    pub fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address can be bound");
        let port = listener.local_addr().expect("a bound socket has an address").port().to_string();
        let (sender, asked) = channel();
        thread::spawn(move || {
            for answer in script {
                let (stream, _) = listener.accept().expect("a client connects");
                let request = read(&stream);
                reply(stream, &answer);
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        Self { port, asked }
    }

    /// The next answered request.
    pub fn asked(&self) -> Asked {
        self.asked.recv_timeout(Duration::from_secs(10)).expect("the command asked")
    }
}

fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a request line");
    let (mut authorization, mut length) = (None, 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).expect("a header");
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = Some(value.to_owned()),
            "content-length" => length = value.parse().expect("a number"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Asked { line, authorization, body: serde_json::from_slice(&body).unwrap_or_default() }
}

fn reply(mut stream: TcpStream, answer: &Answer) {
    let Answer::Http(status, body) = answer else { return };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .expect("the client reads");
}
