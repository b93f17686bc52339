//! Copies the dashboard's files for the program to carry, without the lines that are nothing but comments: they were a
//! sixth of what a browser loads. Such a line stays as an empty one, so that lines keep the numbers of the source.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let source = Path::new("../../dashboard");
    println!("cargo:rerun-if-changed={}", source.display());
    println!("cargo:rerun-if-changed=build.rs");
    let target = PathBuf::from(env::var("OUT_DIR")?).join("dashboard");
    for folder in ["css", "js"] {
        copy(&source.join(folder), &target.join(folder))?;
    }
    for file in ["icon.svg", "icon-alert.svg"] {
        fs::copy(source.join(file), target.join(file))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let place = to.join(path.file_name().ok_or("a file without a name")?);
        if path.is_dir() {
            copy(&path, &place)?;
        } else {
            fs::write(place, without_comments(&fs::read_to_string(&path)?))?;
        }
    }
    Ok(())
}

/// The text with empty lines in the place of those that are comments as a whole. No template of the files has a line
/// that looks like one.
fn without_comments(text: &str) -> String {
    let mut is_in_block = false;
    let kept = |line: &str| {
        let code = line.trim();
        if is_in_block {
            is_in_block = !code.ends_with("*/");
            return String::new();
        }
        // A cast, `/** @type {…} */ (…)`, is part of a line of code.
        let begins = code.starts_with("/*") && (code.ends_with("*/") || !code.contains("*/"));
        is_in_block = begins && !code.ends_with("*/");
        if begins || code.starts_with("//") { String::new() } else { line.to_owned() }
    };
    let lines: Vec<String> = text.lines().map(kept).collect();
    lines.join("\n") + "\n"
}
