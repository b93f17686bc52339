//! Puts the dashboard's modules into two scripts and its style sheets into one, for the program to carry. A browser
//! spends about a millisecond on each file that it loads: sixty files took longer than all that the page does before it
//! shows something. Lines that are nothing but comments are left out.
//!
//! This is no bundler for any JavaScript, but for the forms of `import` and `export` that the dashboard has; it stops
//! at another. Each module becomes a function that is called once, after those that it imports, and gives what it
//! exports.

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Component, Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// In the order in which one overrides another.
const SHEETS: &[&str] = &["tokens", "base", "agents", "messages", "pictures", "search"];
/// Each script with the module that it is for. What an earlier script has a later one takes from it. The first one is
/// small: it asks for the page's data while the second is on its way.
const SCRIPTS: &[(&str, &str)] = &[("first.js", "wire/first.js"), ("main.js", "main.js")];

fn main() -> Result<()> {
    let source = Path::new("../../dashboard");
    println!("cargo:rerun-if-changed={}", source.display());
    println!("cargo:rerun-if-changed=build.rs");
    let target = PathBuf::from(env::var("OUT_DIR")?).join("dashboard");
    fs::create_dir_all(target.join("js"))?;
    for file in ["icon.svg", "icon-alert.svg"] {
        fs::copy(source.join(file), target.join(file))?;
    }
    let mut sheet = String::new();
    for name in SHEETS {
        sheet += &without_comments(&fs::read_to_string(source.join("css").join(format!("{name}.css")))?);
    }
    fs::write(target.join("style.css"), sheet)?;
    let mut bundle = Bundle { root: source.join("js"), done: Vec::new(), under_way: Vec::new() };
    for (script, module) in SCRIPTS {
        fs::write(target.join("js").join(script), bundle.script(script, module)?)?;
    }
    every_file_is_carried(source, &bundle)
}

/// A file that nothing names would be missed only by who looks for it.
fn every_file_is_carried(source: &Path, bundle: &Bundle) -> Result<()> {
    let mut found = Vec::new();
    files(&source.join("js"), &source.join("js"), &mut found)?;
    let carried: BTreeSet<&str> = bundle.done.iter().map(|(path, _)| path.as_str()).collect();
    if let Some(path) = found.iter().find(|path| !carried.contains(path.as_str())) {
        return Err(format!("dashboard/js/{path} is imported by no module").into());
    }
    let sheets = fs::read_dir(source.join("css"))?.count();
    if sheets == SHEETS.len() { Ok(()) } else { Err("dashboard/css has another sheet: name it in SHEETS".into()) }
}

fn files(folder: &Path, root: &Path, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, root, found)?;
        } else {
            found.push(path.strip_prefix(root)?.to_str().ok_or("a file's name is no UTF-8")?.to_owned());
        }
    }
    Ok(())
}

/// Modules that are in a script already, each with that script's name.
struct Bundle {
    root: PathBuf,
    done: Vec<(String, String)>,
    under_way: Vec<String>,
}

impl Bundle {
    /// The script for a module, with all that it needs and no earlier script has.
    fn script(&mut self, script: &str, module: &str) -> Result<String> {
        let (mut text, before) = (String::new(), self.done.len());
        for (earlier, _) in SCRIPTS.iter().take_while(|(name, _)| *name != script) {
            let names = self.done.iter().filter(|(_, of)| of == earlier).map(|(path, _)| variable(path));
            writeln!(text, "import {{ {} }} from \"./{earlier}\";", names.collect::<Vec<_>>().join(", "))?;
        }
        self.add(script, module, &mut text)?;
        let own = self.done[before..].iter().map(|(path, _)| variable(path)).collect::<Vec<_>>();
        writeln!(text, "export {{ {} }};", own.join(", "))?;
        Ok(text)
    }

    fn add(&mut self, script: &str, path: &str, text: &mut String) -> Result<()> {
        if self.done.iter().any(|(known, _)| known == path) {
            return Ok(());
        }
        if self.under_way.iter().any(|known| known == path) {
            return Err(format!("dashboard/js/{path} imports itself by others").into());
        }
        self.under_way.push(path.to_owned());
        let module = Module::parse(path, &fs::read_to_string(self.root.join(path))?)?;
        for import in &module.imports {
            self.add(script, import, text)?;
        }
        self.under_way.pop();
        self.done.push((path.to_owned(), script.to_owned()));
        writeln!(text, "// {path}\nconst {} = (() => {{", variable(path))?;
        *text += &module.body;
        writeln!(text, "return {{ {} }};\n}})();", module.exports.join(", "))?;
        Ok(())
    }
}

/// A module's name as a variable: `views/feed/view.js` as `$views_feed_view`.
fn variable(path: &str) -> String {
    format!("${}", path.trim_end_matches(".js").replace('/', "_"))
}

#[derive(Default)]
struct Module {
    /// Paths below the folder of all modules.
    imports: Vec<String>,
    exports: Vec<String>,
    /// The text, where imports are constants and exports plain declarations.
    body: String,
}

impl Module {
    fn parse(path: &str, source: &str) -> Result<Self> {
        let mut module = Self::default();
        let text = without_comments(source);
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        while let Some(line) = lines.next() {
            if !line.starts_with("import ") && !line.starts_with("export ") {
                module.body += line;
                module.body.push('\n');
                continue;
            }
            let is_list = line.starts_with("import ") || line.starts_with("export {");
            let mut statement = line.to_owned();
            while is_list && !statement.ends_with(';') {
                statement += lines.next().ok_or_else(|| format!("{path}: {statement} has no end"))?;
            }
            let unknown = || format!("dashboard/js/{path}: the build knows no such statement: {statement}");
            let known = if is_list { module.list(path, &statement) } else { module.declaration(&statement) };
            known.ok_or_else(unknown)?;
        }
        Ok(module)
    }

    /// `import … from "…"` or `export {…} from "…"`; None where it is neither.
    fn list(&mut self, path: &str, statement: &str) -> Option<()> {
        let (what, from) = statement.strip_suffix("\";")?.split_once(" from \"")?;
        let from = resolved(path, from)?;
        let module = variable(&from);
        if let Some(name) = what.strip_prefix("import * as ") {
            self.body += &format!("const {name} = {module};\n");
        } else if let Some(names) = listed(what, "import {") {
            // `a as b` is `a: b` where an object is taken apart.
            self.body += &format!("const {{ {} }} = {module};\n", names.replace(" as ", ": "));
        } else {
            let names = listed(what, "export {")?.split(',').map(str::trim);
            self.exports.extend(names.map(|name| format!("{name}: {module}.{name}")));
        }
        self.imports.push(from);
        Some(())
    }

    /// `export` before a declaration; None where it is another.
    fn declaration(&mut self, statement: &str) -> Option<()> {
        let declaration = statement.strip_prefix("export ")?;
        let kinds = ["const ", "function ", "async function ", "class "];
        let rest = kinds.iter().find_map(|kind| declaration.strip_prefix(kind))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let name = rest.split(|c: char| !is_name(c)).next().filter(|name| !name.is_empty())?;
        self.exports.push(name.to_owned());
        self.body += declaration;
        self.body.push('\n');
        Some(())
    }
}

/// The names between braces.
fn listed<'a>(what: &'a str, begin: &str) -> Option<&'a str> {
    Some(what.strip_prefix(begin)?.strip_suffix('}')?.trim().trim_end_matches(','))
}

/// An imported path as one below the folder of all modules.
fn resolved(path: &str, import: &str) -> Option<String> {
    let mut found: Vec<&str> = path.split('/').collect();
    found.pop();
    for part in Path::new(import).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                found.pop()?;
            }
            Component::Normal(name) => found.push(name.to_str()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(found.join("/"))
}

/// The text without lines that are comments as a whole; empty ones stand in their place. No template of the files has a
/// line that looks like one.
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
