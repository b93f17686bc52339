//! Collects the licence texts of the crates that are compiled into the program, and into the Python extension that is
//! installed with it, for `orochi licences`. Their terms ask that the texts go wherever the code goes. Also packs the
//! program's relocations where the C library can read that.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

const STARTS: [&str; 6] = ["licen", "copying", "copyright", "notice", "unlicense", "patents"];

/// The beginnings of our own crates' names.
const OWN: [&str; 2] = ["orochi-", "httpdate"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    println!("cargo:rerun-if-changed=build.rs");
    let crates = match listed(&["orochi-cli", "orochi-python"]) {
        Some(crates) => crates,
        // The extension's crates are not here: only the program is built. A file that is never there makes cargo look
        // again next time.
        None => {
            println!("cargo:rerun-if-changed=absent");
            listed(&["orochi-cli"]).ok_or("`cargo tree` does not list the crates of orochi-cli")?
        }
    };
    let out = PathBuf::from(env::var("OUT_DIR")?).join("licences.gz");
    let mut packed = GzEncoder::new(File::create(out)?, Compression::best());
    packed.write_all(page(&crates).as_bytes())?;
    packed.finish()?;
    if packs_relocations() {
        // A starting program reads all its relocations: 0.8 MB of an empty hub's memory, or packed 10 kB.
        println!("cargo:rustc-link-arg-bins={PACKED}");
    }
    Ok(())
}

/// Tells the linker to pack relocations. Such a program needs glibc 2.36.
const PACKED: &str = "-Wl,-z,pack-relative-relocs";

/// True if a program that is linked this way runs here. It needs a linker and a C library that support packing.
fn packs_relocations() -> bool {
    let is_here =
        env::var("HOST") == env::var("TARGET") && env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    is_here && runs_packed().unwrap_or(false)
}

fn runs_packed() -> Option<bool> {
    let folder = PathBuf::from(env::var_os("OUT_DIR")?);
    let (source, built) = (folder.join("packed.rs"), folder.join("packed"));
    fs::write(&source, "fn main() {}").ok()?;
    let mut rustc = Command::new(env::var_os("RUSTC")?);
    rustc.arg(&source).arg("-o").arg(&built).arg(format!("-Clink-arg={PACKED}"));
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        rustc.arg("-C").arg(format!("linker={}", linker.display()));
    }
    let is_linked = rustc.output().ok()?.status.success();
    Some(is_linked && Command::new(built).output().ok()?.status.success())
}

/// A crate as the page names it, and where its source is.
struct Crate {
    title: String,
    source: Option<PathBuf>,
}

/// The crates of these packages, without our own. None where cargo has not fetched them.
fn listed(packages: &[&str]) -> Option<Vec<Crate>> {
    let mut command = Command::new(env::var_os("CARGO")?);
    command.args(["tree", "--locked", "--offline", "--edges=normal", "--prefix=none", "--format={p}|{l}|{r}"]);
    command.arg("--target").arg(env::var_os("TARGET")?).current_dir("../..");
    packages.iter().for_each(|package| _ = command.args(["--package", package]));
    let output = command.output().ok().filter(|output| output.status.success())?;
    let mut crates = BTreeMap::new();
    for line in String::from_utf8(output.stdout).ok()?.lines() {
        let mut parts = line.split('|');
        let (Some(package), Some(licence), Some(repository)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let mut words = package.split_whitespace();
        let (Some(name), Some(version)) = (words.next(), words.next().and_then(|word| word.strip_prefix('v'))) else {
            continue;
        };
        if !OWN.iter().any(|own| name.starts_with(own)) {
            let repository = repository.trim_end_matches(" (*)");
            let title = format!("{name} {version}, under {licence}, {repository}");
            crates.insert((name.to_owned(), version.to_owned()), title);
        }
    }
    let found = |((name, version), title)| Crate { title, source: source(&format!("{name}-{version}")) };
    Some(crates.into_iter().map(found).collect())
}

/// The folder of a crate's source in cargo's home.
fn source(folder: &str) -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    registries.flatten().map(|registry| registry.path().join(folder)).find(|path| path.is_dir())
}

/// The crates with their texts, each text once.
fn page(crates: &[Crate]) -> String {
    let mut users: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut without = Vec::new();
    for one in crates {
        let texts = one.source.as_deref().map(texts).unwrap_or_default();
        if texts.is_empty() {
            without.push(one.title.as_str());
        }
        texts.into_iter().for_each(|text| users.entry(text).or_default().push(&one.title));
    }
    let mut page = String::from(
        "Orochi is under AGPL-3.0: https://github.com/ywatanabe1989/scitex-orochi\n\
         It contains SQLite, which is in the public domain, and these crates, under the terms below.\n",
    );
    for (text, titles) in &users {
        page.push_str(&format!("\n{}\n{}\n\n{text}\n", "=".repeat(80), titles.join("\n")));
    }
    if !without.is_empty() {
        page.push_str(&format!("\n{}\nWithout a licence file of their own:\n{}\n", "=".repeat(80), without.join("\n")));
    }
    page
}

/// The texts in a crate's folder and in one for them below it.
fn texts(folder: &Path) -> Vec<String> {
    let folders = [folder.to_owned(), folder.join("LICENSES"), folder.join("licenses")];
    let mut paths: Vec<PathBuf> =
        folders.iter().flat_map(fs::read_dir).flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let is_text = |path: &&PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let is_below = path.parent().is_some_and(|parent| parent != folder);
        path.is_file() && !name.ends_with(".rs") && (is_below || STARTS.iter().any(|start| name.starts_with(start)))
    };
    paths
        .iter()
        .filter(is_text)
        .filter_map(|path| fs::read(path).ok())
        .map(|text| String::from_utf8_lossy(&text).replace('\r', "").trim().to_owned())
        .collect()
}
