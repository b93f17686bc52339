//! All that a file holds of the log, as one text: equal for hubs that have applied the same entries. What belongs to
//! the file itself (its epoch, its key, when it was made) is left out.

use std::fmt::Write;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;

const TABLES: [&str; 9] = [
    "SELECT * FROM messages ORDER BY seq",
    "SELECT * FROM addressed ORDER BY agent, seq",
    "SELECT * FROM channels ORDER BY name",
    "SELECT * FROM agents ORDER BY name",
    "SELECT agent, ts, state FROM agent_states ORDER BY agent, rowid",
    "SELECT * FROM calls ORDER BY asker, id",
    "SELECT * FROM marks ORDER BY key",
    "SELECT * FROM clock_steps ORDER BY seq",
    "SELECT key, value FROM meta WHERE key LIKE 'log.%' ORDER BY key",
];

pub fn text(path: &Path) -> String {
    let file = Connection::open(path).unwrap();
    let mut text = String::new();
    for table in TABLES {
        let mut select = file.prepare(table).unwrap();
        let columns = select.column_count();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let row: Vec<Value> = (0..columns).map(|column| row.get(column).unwrap()).collect();
            writeln!(text, "{row:?}").unwrap();
        }
    }
    text
}
