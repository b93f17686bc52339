//! Compares a text with a query: whether it matches, where, and how well. These are pure functions of both, so a hit's
//! rank does not change while messages arrive.

use super::query::{Phrase, Query};
use super::units::{Kind, Units};

/// The length, in units, of a text that counts as neither long nor short.
const USUAL_UNITS: f64 = 40.0;
/// The weight of repeated occurrences and of the text's length: BM25's usual constants.
const SATURATION: f64 = 1.2;
const LENGTH_WEIGHT: f64 = 0.75;

/// Returns whether the text has every phrase and no excluded one.
pub(super) fn matches(query: &Query, text: &Units) -> bool {
    query.phrases.iter().all(|phrase| occurrences(phrase, text).next().is_some())
        && query.excluded.iter().all(|phrase| occurrences(phrase, text).next().is_none())
}

/// Rates a match. More occurrences in a shorter text are better.
pub(super) fn score(query: &Query, text: &Units) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a text has at most 262 144 units")]
    let (length, counts) =
        (text.as_slice().len() as f64, query.phrases.iter().map(|phrase| occurrences(phrase, text).count() as f64));
    let norm = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length / USUAL_UNITS);
    counts.map(|count| count / (count + norm)).sum()
}

/// The matching spans, `[start, end)` in code points, in order and without overlaps.
pub(super) fn ranges(query: &Query, text: &Units) -> Vec<(u32, u32)> {
    let mut found: Vec<(u32, u32)> = query.phrases.iter().flat_map(|phrase| occurrences(phrase, text)).collect();
    found.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(found.len());
    for (start, end) in found {
        match merged.last_mut() {
            Some(last) if start < last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// The spans of one phrase.
fn occurrences<'a>(phrase: &'a Phrase, text: &'a Units) -> impl Iterator<Item = (u32, u32)> + 'a {
    let (wanted, all) = (phrase.units.as_slice(), text.as_slice());
    let last = wanted.len().saturating_sub(1);
    // A phrase is never empty: `Query` drops empty ones.
    all.windows(wanted.len().max(1))
        .filter(move |window| {
            wanted.iter().zip(*window).enumerate().all(|(at, (unit, found))| {
                let (unit_text, found_text) = (phrase.units.text(unit), text.text(found));
                match (unit.kind, found.kind) {
                    (Kind::Word, Kind::Word) if phrase.is_prefix && at == last => found_text.starts_with(unit_text),
                    (Kind::Word, Kind::Word) => unit_text == found_text,
                    (Kind::Char { tight }, Kind::Char { tight: is_tight }) => {
                        unit_text == found_text && (!tight || is_tight || at == 0)
                    }
                    (Kind::Word, Kind::Char { .. }) | (Kind::Char { .. }, Kind::Word) => false,
                }
            })
        })
        .filter_map(|window| Some((window.first()?.start, window.last()?.end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, query: &str) -> Option<Vec<String>> {
        let (query, units) = (Query::parse("q", query).unwrap(), Units::new(text));
        let chars: Vec<char> = text.chars().collect();
        let part = |(start, end): (u32, u32)| chars[start as usize..end as usize].iter().collect();
        matches(&query, &units).then(|| ranges(&query, &units).into_iter().map(part).collect())
    }

    #[test]
    fn words_match_whole_runs_without_spaces_match_anywhere() {
        for (text, query, expected) in [
            ("the router failed", "router", Some(&["router"][..])),
            ("the router failed", "rout", None),
            ("the router failed", "rout*", Some(&["router"])),
            ("デプロイに失敗しました", "失敗", Some(&["失敗"])),
            ("デプロイに失敗しました", "敗失", None),
            ("失 敗", "失敗", None),
            ("重跑gen-itgc后50条", "gen-itgc", Some(&["gen-itgc"])),
            ("重跑gen-itgc后50条", "重跑gen", Some(&["重跑gen"])),
            ("การทดสอบล้มเหลว", "ทดสอบ", Some(&["ทดสอบ"])),
            ("배포가 실패했습니다", "실패", Some(&["실패"])),
            ("परीक्षण विफल रहा", "विफल", Some(&["विफल"])),
            ("José sent Jose", "jose", Some(&["José", "Jose"])),
            ("a b a b", "\"a b\"", Some(&["a b", "a b"])),
            ("a x b", "\"a b\"", None),
            ("a x b", "a b", Some(&["a", "b"])),
            ("deploy draft", "deploy -draft", None),
            ("", "x", None),
        ] {
            let expected = expected.map(|parts| parts.iter().map(ToString::to_string).collect());
            assert_eq!(found(text, query), expected, "{text} / {query}");
        }
    }

    #[test]
    fn a_shorter_text_and_more_occurrences_score_higher() {
        let query = Query::parse("q", "deploy").unwrap();
        let score = |text: &str| score(&query, &Units::new(text));
        assert!(score("deploy deploy") > score("deploy now"));
        assert!(score("deploy now") > score(&format!("deploy {}", "and more ".repeat(40))));
        assert!(score("other") < f64::EPSILON);
    }
}
