//! Renders an agent's Markdown as HTML that a page can insert safely.
//!
//! First, the parser's events are restricted: the agent's own markup becomes text, an image becomes a link to it, a
//! heading becomes a bold line, and nesting is limited to a depth that browsers and the sanitiser handle well. Then the
//! sanitiser parses the resulting HTML as a browser would, and only the tags listed here remain. Mentions and bare
//! addresses stay text: the program that shows the message turns them into links, because it knows the `mentions`.
//!
//! The cost of rendering depends on the agent's text, so it is bounded, and never spent on the core's thread.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream, html};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::frame::Frame;

/// A longer text is not rendered but shown unchanged. The longest answers of models are shorter.
pub(crate) const CONTENT_BYTES_MAX: usize = 16 * 1024;
/// The most events of a text, tags and runs of text, that are rendered. A few bytes of a table can produce many cells.
const EVENTS_MAX: usize = 16 * 1024;
/// The most nested lists, quotes and emphases. Deeper ones are removed, and their text stays.
const DEPTH_MAX: usize = 24;
/// The longest name of a code block's language, in characters.
const LANGUAGE_CHARS_MAX: usize = 32;

const TAGS: [&str; 19] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let attributes = [("a", &["href"][..]), ("ol", &["start"]), ("code", &["class"])];
    let mut cleaner = Builder::empty();
    cleaner
        .tags(HashSet::from(TAGS))
        .tag_attributes(attributes.map(|(tag, names)| (tag, names.iter().copied().collect())).into())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_values(HashMap::from([("a", HashMap::from([("target", "_blank")]))]))
        .attribute_filter(|tag, name, value| match (tag, name) {
            ("code", "class") => is_language(value).then_some(Cow::Borrowed(value)),
            _ => Some(Cow::Borrowed(value)),
        });
    cleaner
});

/// The form of messages that a reader requested: `?html=true` adds a key `html` to each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rendering {
    /// Messages unchanged.
    Plain,
    /// Messages with their HTML, unless they are too long.
    Html,
}

impl Rendering {
    /// Builds a history row in the requested form. `content` is the message's text.
    pub(crate) fn row(self, row: Box<RawValue>, content: &str) -> Box<RawValue> {
        let html = match self {
            Self::Plain => None,
            Self::Html => to_html(content),
        };
        let Some(html) = html else { return row };
        RawValue::from_string(with_html(row.get(), &html)).expect("an object with one more key is JSON")
    }

    /// Builds a `message` frame in the requested form. The key is beside `seq`, where only the hub adds keys: keys in
    /// the payload may be the sender's own.
    pub(crate) fn frame(self, frame: Frame) -> Frame {
        let html = match self {
            Self::Plain => None,
            // A frame without a text is not a message.
            Self::Html => {
                serde_json::from_str::<MessageFrame<'_>>(&frame).ok().and_then(|read| to_html(&read.payload.content))
            }
        };
        html.map_or(frame.clone(), |html| with_html(&frame, &html).into())
    }
}

#[derive(Deserialize)]
struct MessageFrame<'a> {
    #[serde(borrow)]
    payload: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
}

fn with_html(object: &str, html: &str) -> String {
    let inner = object.strip_suffix('}').expect("rows and frames are objects with keys");
    format!("{inner},\"html\":{}}}", serde_json::Value::from(html))
}

/// The text as HTML; None if it is too long or too complex.
pub(crate) fn to_html(content: &str) -> Option<String> {
    if content.len() > CONTENT_BYTES_MAX {
        return None;
    }
    let parser = Parser::new_ext(content, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let mut narrow = Narrow::default();
    for (count, event) in TextMergeStream::new(parser).enumerate() {
        if count >= EVENTS_MAX {
            return None;
        }
        narrow.take(event);
    }
    let mut written = String::with_capacity(content.len() * 2);
    html::push_html(&mut written, narrow.events.into_iter());
    Some(CLEANER.clean(&written).to_string())
}

/// The text without Markdown's marks, in one line, for lists that show a line of each message. The result is text, not
/// HTML; markup in the text stays.
pub(crate) fn to_line(content: &str) -> String {
    let parser = Parser::new_ext(content, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let mut words = String::with_capacity(content.len());
    for event in TextMergeStream::new(parser).take(EVENTS_MAX) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                words.push_str(&text)
            }
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link) | Event::Start(_) => {}
            _ => words.push(' '),
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The remaining events, and how each open tag was opened.
#[derive(Default)]
struct Narrow<'a> {
    events: Vec<Event<'a>>,
    open: Vec<Opened>,
    links: usize,
}

/// The replacement of a tag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    AsItIs,
    BoldLine,
    Line,
    Link,
    Nothing,
}

impl<'a> Narrow<'a> {
    fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            // In a chat, a line end in the text is meant as one.
            Event::SoftBreak => self.events.push(Event::HardBreak),
            Event::Html(markup) => {
                let is_line = markup.ends_with('\n');
                self.events.push(Event::Text(markup.trim_end_matches('\n').to_owned().into()));
                if is_line {
                    self.events.push(Event::HardBreak);
                }
            }
            Event::InlineHtml(markup) => self.events.push(Event::Text(markup)),
            Event::Text(_) | Event::Code(_) | Event::HardBreak | Event::Rule => self.events.push(event),
            // These belong to extensions that are switched off.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.events.push(Event::Text(text));
            }
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'a>) {
        let opened = match tag {
            _ if self.open.len() >= DEPTH_MAX => Opened::Nothing,
            Tag::Link { .. } | Tag::Image { .. } if self.links > 0 => Opened::Nothing,
            // The type distinguishes mail addresses.
            Tag::Link { link_type, dest_url, .. } => self.link(link_type, dest_url),
            Tag::Image { dest_url, .. } => self.link(LinkType::Inline, dest_url),
            Tag::Heading { .. } => {
                self.events.extend([Event::Start(Tag::Paragraph), Event::Start(Tag::Strong)]);
                Opened::BoldLine
            }
            Tag::HtmlBlock => {
                self.events.push(Event::Start(Tag::Paragraph));
                Opened::Line
            }
            tag => {
                self.events.push(Event::Start(tag));
                Opened::AsItIs
            }
        };
        self.open.push(opened);
    }

    fn link(&mut self, link_type: LinkType, dest_url: CowStr<'a>) -> Opened {
        self.links += 1;
        let (title, id) = (CowStr::Borrowed(""), CowStr::Borrowed(""));
        self.events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
        Opened::Link
    }

    fn end(&mut self, tag: TagEnd) {
        match self.open.pop().unwrap_or(Opened::Nothing) {
            Opened::AsItIs => self.events.push(Event::End(tag)),
            Opened::Line => self.events.push(Event::End(TagEnd::Paragraph)),
            Opened::BoldLine => self.events.extend([Event::End(TagEnd::Strong), Event::End(TagEnd::Paragraph)]),
            Opened::Link => {
                self.links -= 1;
                self.events.push(Event::End(TagEnd::Link));
            }
            Opened::Nothing => {}
        }
    }
}

fn is_language(class: &str) -> bool {
    class.strip_prefix("language-").is_some_and(|name| {
        (1..=LANGUAGE_CHARS_MAX).contains(&name.len())
            && name.chars().all(|char| char.is_ascii_alphanumeric() || "+#-._".contains(char))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const REL: &str = r#"target="_blank" rel="noopener noreferrer nofollow""#;

    fn html(content: &str) -> String {
        to_html(content).unwrap().trim_end().replace(REL, "REL")
    }

    #[test]
    fn a_line_has_the_words_and_no_marks() {
        for (content, line) in [
            (
                "Review of **api#71**:\n\n1. `timeout` is _in_ ms.\n2. Fine.",
                "Review of api#71: timeout is in ms. Fine.",
            ),
            ("plain @bob, snake_case_name\nand more", "plain @bob, snake_case_name and more"),
            ("```\nlet x = 1;\n```\nafter [a link](https://x.org).", "let x = 1; after a link."),
            ("<b>bold</b> <script>\nalert(1)", "<b>bold</b> <script> alert(1)"),
            ("|a|b|\n|-|-|\n|1|2|", "a b 1 2"),
            ("", ""),
        ] {
            assert_eq!(to_line(content), line, "{content}");
        }
    }

    #[test]
    fn what_people_write_is_shown_as_they_mean_it() {
        for (written, shown) in [
            ("one\ntwo", "<p>one<br>\ntwo</p>"),
            ("# Title", "<p><strong>Title</strong></p>"),
            ("*a* **b** ~~c~~ `d<`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d&lt;</code></p>"),
            ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
            ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>"),
            ("> q", "<blockquote>\n<p>q</p>\n</blockquote>"),
            ("```rust\nlet a = 1;\n```", "<pre><code class=\"language-rust\">let a = 1;\n</code></pre>"),
            ("[x](https://a.org/?b=1&c)", "<p><a href=\"https://a.org/?b=1&amp;c\" REL>x</a></p>"),
            ("<mail@a.org>", "<p><a href=\"mailto:mail@a.org\" REL>mail@a.org</a></p>"),
            ("![alt](https://a.org/i.png)", "<p><a href=\"https://a.org/i.png\" REL>alt</a></p>"),
            ("@bob see snake_case_name", "<p>@bob see snake_case_name</p>"),
        ] {
            assert_eq!(html(written), shown, "{written:?}");
        }
        assert!(html("|a|b|\n|-|-|\n|1|2|").contains("<td>1</td><td>2</td>"));
    }

    #[test]
    fn markup_is_text_and_only_harmless_addresses_are_links() {
        for (written, shown) in [
            ("<script>x()</script>", "<p>&lt;script&gt;x()&lt;/script&gt;</p>"),
            ("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>"),
            ("<svg/onload=x>", "<p>&lt;svg/onload=x&gt;</p>"),
            ("<!-- c -->", "<p>&lt;!-- c --&gt;</p>"),
            ("[x](javascript:y)", "<p><a REL>x</a></p>"),
            ("[x](JaVa&#83;cript:y)", "<p><a REL>x</a></p>"),
            ("[x](data:text/html,y)", "<p><a REL>x</a></p>"),
            ("[x](/api/session)", "<p><a REL>x</a></p>"),
            ("[x](//a.org)", "<p><a REL>x</a></p>"),
            ("[![a](https://i.org)](https://l.org)", "<p><a href=\"https://l.org\" REL>a</a></p>"),
            ("```x\" onclick=\"y\nz\n```", "<pre><code>z\n</code></pre>"),
            ("&lt;img src=x&gt; &#60;b&#62;", "<p>&lt;img src=x&gt; &lt;b&gt;</p>"),
        ] {
            let expected = shown.replace("x\" onclick", "x");
            let found = html(written).replace(" class=\"language-x\"", "");
            assert_eq!(found.trim_end(), expected, "{written:?}");
        }
    }

    #[test]
    fn what_is_too_much_is_left_to_be_shown_as_it_is_written() {
        assert!(to_html(&"x".repeat(CONTENT_BYTES_MAX + 1)).is_none());
        assert!(to_html(&"x".repeat(CONTENT_BYTES_MAX)).is_some());
        let wide = format!("{0}\n{1}\n{2}", "|a".repeat(1000), "|-".repeat(1000), "|x\n".repeat(4000));
        assert!(to_html(&wide).is_none(), "a table of 4 million cells");
        let deep = to_html(&format!("{}end", "> ".repeat(7000))).unwrap();
        assert!(deep.contains("end") && deep.matches("<blockquote>").count() <= DEPTH_MAX);
        for text in ["[".repeat(16_000), "*a ".repeat(5000), "`".repeat(16_000), "- ".repeat(8000), "<".repeat(16_000)]
        {
            assert!(to_html(&text).is_none_or(|html| html.len() < 40 * text.len()));
        }
    }

    #[test]
    fn a_frame_has_the_hubs_html_beside_its_seq_whatever_its_sender_put_there() {
        let frame = r#"{"type":"message","payload":{"content":"*a* \u00e9","html":"<script>"},"seq":3}"#;
        let rendered = |rendering: Rendering, frame: &str| rendering.frame(frame.to_owned().into());
        let shown: Value = serde_json::from_str(&rendered(Rendering::Html, frame)).unwrap();
        assert_eq!(shown["html"], "<p><em>a</em> \u{e9}</p>\n");
        assert_eq!(rendered(Rendering::Plain, frame).as_str(), frame);
        let other = r#"{"type":"presence_change","payload":{"agent":"a"}}"#;
        assert_eq!(rendered(Rendering::Html, other).as_str(), other);
    }

    proptest! {
        #[test]
        fn whatever_is_written_only_the_listed_tags_come_out(
            content in "([ -~\n]|<script>|</p>|javascript:|\\[x\\]\\(|&#[0-9]{2};|<!--|\\PC){0,60}",
        ) {
            let html = to_html(&content).unwrap();
            for tag in html.split('<').skip(1) {
                let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                prop_assert!(TAGS.contains(&name.as_str()), "{name} in {html}");
            }
            prop_assert!(!html.contains("href=\"javascript"), "{html}");
            prop_assert_eq!(CLEANER.clean(&html).to_string(), html.as_str(), "cleaning again changes nothing");
        }
    }
}
