//! A query string as typed values, with the same errors as a frame's fields.
//!
//! An empty parameter counts as absent. Unknown parameters are ignored. A parameter that a route reads must not occur
//! twice. Values are decoded when they are read, because a `+` is a space in a text and a plus in a time.

use std::convert::Infallible;
use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use orochi_protocol::fields::{invalid, parse_end_time, parse_time};
use orochi_protocol::{AgentName, ErrorCode, Refusal, Seq, Timestamp};
use percent_encoding::percent_decode_str;

use crate::markdown::Rendering;

/// The parameters of one request, still encoded.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Splits a query string. This can't fail.
    pub(crate) fn new(query: &str) -> Self {
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let decoded = |name: &str| percent_decode_str(name).decode_utf8_lossy().into_owned();
        Self(pairs.map(|(name, value)| (decoded(name), value.to_owned())).collect())
    }

    /// A text; `+` is a space, as in forms. None if absent.
    ///
    /// # Errors
    /// `INVALID_FIELD` if the parameter occurs twice or is not UTF-8.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        decode(name, &raw.replace('+', " ")).map(Some)
    }

    /// A text of at most `chars_max` characters.
    ///
    /// # Errors
    /// As [`Params::text`], and `TOO_LARGE` for a longer one.
    pub(crate) fn short_text(&self, name: &str, chars_max: usize) -> Result<Option<String>, Refusal> {
        let text = self.text(name)?;
        if text.as_ref().is_some_and(|text| text.chars().count() > chars_max) {
            return Err(Refusal::new(ErrorCode::TooLarge, format!("{name} is longer than {chars_max} characters")));
        }
        Ok(text)
    }

    /// An agent's name.
    ///
    /// # Errors
    /// As [`Params::text`], and `INVALID_NAME`.
    pub(crate) fn agent(&self, name: &str) -> Result<Option<AgentName>, Refusal> {
        self.text(name)?.map(|text| AgentName::parse(&text)).transpose()
    }

    /// A time. A space in the place of `+` is read as `+` (section 10): a client that does not encode the `+` of
    /// `+00:00` sends what a query string decodes to a space.
    ///
    /// # Errors
    /// As [`Params::text`], and `INVALID_FIELD` for other texts.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        self.time_text(name)?.map(|text| parse_time(name, &text)).transpose()
    }

    /// The end of a range. Like [`Params::time`], but a date means its last moment.
    ///
    /// # Errors
    /// As [`Params::time`].
    pub(crate) fn end_time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        self.time_text(name)?.map(|text| parse_end_time(name, &text)).transpose()
    }

    fn time_text(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        let text = decode(name, raw)?;
        Ok(Some(match text.rsplit_once(' ') {
            // Only before an offset. The other possible space is between date and time.
            Some((time, offset)) if time.contains(':') => format!("{time}+{offset}"),
            _ => text,
        }))
    }

    /// A position in the log.
    ///
    /// # Errors
    /// As [`Params::text`], and `INVALID_FIELD` for anything but an integer from 0.
    pub(crate) fn seq(&self, name: &str) -> Result<Option<Seq>, Refusal> {
        self.text(name)?.map(|text| parse_seq(name, &text)).transpose()
    }

    /// A switch: true, false, 1 or 0, in any case.
    ///
    /// # Errors
    /// As [`Params::text`], and `INVALID_FIELD` for anything else.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(invalid(name, "true or false", &format!("{text:?}"))),
        }
    }

    /// Reads `?html=true`: messages as HTML too.
    ///
    /// # Errors
    /// As [`Params::boolean`].
    pub(crate) fn rendering(&self) -> Result<Rendering, Refusal> {
        Ok(if self.boolean("html")?.unwrap_or(false) { Rendering::Html } else { Rendering::Plain })
    }

    /// An integer within `range`.
    ///
    /// # Errors
    /// As [`Params::text`], and `INVALID_FIELD` for anything else.
    pub(crate) fn whole(&self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = parse_digits(&text).and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| range.contains(number));
        let expected = || format!("an integer from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(|| invalid(name, &expected(), &format!("{text:?}")))
    }

    /// An integer from 1. Values above `max` are read as `max`.
    ///
    /// # Errors
    /// As [`Params::text`], and `INVALID_FIELD` for 0 and other texts.
    pub(crate) fn whole_up_to(&self, name: &str, max: u32) -> Result<Option<u32>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = parse_digits(&text).filter(|number| *number > 0);
        let number = number.map(|number| u32::try_from(number).unwrap_or(max).min(max));
        number.map(Some).ok_or_else(|| invalid(name, &format!("an integer from 1 to {max}"), &format!("{text:?}")))
    }

    /// The only non-empty value of `name`.
    fn raw(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.0.iter().filter(|(key, value)| key == name && !value.is_empty());
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) => Ok(Some(value)),
            (Some(_), Some(_)) => {
                Err(Refusal::new(ErrorCode::InvalidField, format!("{name} occurs twice in the address: send it once")))
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::new(parts.uri.query().unwrap_or_default()))
    }
}

/// Parses a seq from a parameter or path segment called `name`.
///
/// # Errors
/// `INVALID_FIELD` for anything but an integer from 0.
pub(crate) fn parse_seq(name: &str, text: &str) -> Result<Seq, Refusal> {
    // There is no seq beyond u64 either. The store's range check refuses the largest number.
    let seq = parse_digits(text).and_then(Seq::new);
    seq.ok_or_else(|| invalid(name, "a seq: an integer from 0", &format!("{text:?}")))
}

/// Parses digits without a sign, as in JSON. A number beyond 64 bits becomes the largest one.
fn parse_digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

fn decode(name: &str, raw: &str) -> Result<String, Refusal> {
    let text = percent_decode_str(raw).decode_utf8();
    text.map(Into::into).map_err(|_| invalid(name, "percent-encoded UTF-8", &format!("{raw:?}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_decoded_and_a_plus_is_a_space() {
        let params = Params::new("q=a+b%2Bc%20d&%73ender=bob&empty=&flag&bad=%ff");
        assert_eq!(params.text("q").unwrap().unwrap(), "a b+c d");
        assert_eq!(params.agent("sender").unwrap().unwrap().as_str(), "bob");
        for absent in ["empty", "flag", "other"] {
            assert_eq!(params.text(absent), Ok(None), "{absent}");
        }
        assert_eq!(params.text("bad").unwrap_err().code, ErrorCode::InvalidField);
    }

    #[test]
    fn a_parameter_that_stands_twice_is_refused_where_it_is_used() {
        let params = Params::new("limit=1&limit=2&sender=a&sender=");
        assert_eq!(params.whole("limit", 1..=9).unwrap_err().code, ErrorCode::InvalidField);
        assert_eq!(params.text("sender").unwrap().unwrap(), "a");
    }

    #[test]
    fn a_time_may_have_its_plus_raw_encoded_or_turned_into_a_space() {
        let expected = Timestamp::parse("2026-01-15T10:30:00+09:00");
        for written in [
            "2026-01-15T10:30:00+09:00",
            "2026-01-15T10:30:00%2B09:00",
            "2026-01-15T10%3A30%3A00%2B09%3A00",
            "2026-01-15T10:30:00%2009:00",
            "2026-01-15T01:30:00Z",
            "2026-01-14T20:30:00-05:00",
        ] {
            assert_eq!(Params::new(&format!("since={written}")).time("since").unwrap(), expected, "{written}");
        }
        assert!(Params::new("until=2026-01-15").time("until").unwrap().is_some());
        for bad in ["yesterday", "2026-01-15T10:30:00", "2026-01-15T10:30:00%20", "1768473000"] {
            let refusal = Params::new(&format!("since={bad}")).time("since").unwrap_err();
            assert_eq!(refusal.code, ErrorCode::InvalidField, "{bad}");
        }
    }

    #[test]
    fn numbers_at_their_edges() {
        let whole = |text: &str| Params::new(&format!("limit={text}")).whole("limit", 1..=1000);
        assert_eq!((whole("1"), whole("1000"), whole("")), (Ok(Some(1)), Ok(Some(1000)), Ok(None)));
        for bad in ["0", "1001", "-1", "+5", "1.0", "1e2", "ten", "99999999999999999999", "٣", "%20"] {
            assert_eq!(whole(bad).unwrap_err().code, ErrorCode::InvalidField, "{bad}");
        }
        let capped = |text: &str| Params::new(&format!("limit={text}")).whole_up_to("limit", 500);
        assert_eq!(
            (capped("7"), capped("501"), capped("99999999999999999999")),
            (Ok(Some(7)), Ok(Some(500)), Ok(Some(500)))
        );
        for bad in ["0", "-1", "ten"] {
            assert_eq!(capped(bad).unwrap_err().code, ErrorCode::InvalidField, "{bad}");
        }
    }

    #[test]
    fn seqs_and_switches_at_their_edges() {
        let seq = |text: &str| Params::new(&format!("after={text}")).seq("after");
        assert_eq!((seq("0"), seq("9223372036854775807")), (Ok(Some(Seq::ZERO)), Ok(Some(Seq::MAX))));
        for bad in ["-1", "9223372036854775808", "99999999999999999999", "x", "0x1"] {
            assert_eq!(seq(bad).unwrap_err().code, ErrorCode::InvalidField, "{bad}");
        }
        let switch = |text: &str| Params::new(&format!("all={text}")).boolean("all");
        assert_eq!((switch("True"), switch("0"), switch("")), (Ok(Some(true)), Ok(Some(false)), Ok(None)));
        assert_eq!(switch("yes").unwrap_err().code, ErrorCode::InvalidField);
    }

    proptest! {
        #[test]
        fn no_query_string_panics(query in ".{0,60}") {
            let params = Params::new(&query);
            for name in ["q", "since", "limit", ""] {
                let _ = (params.text(name), params.time(name), params.seq(name), params.whole(name, 1..=9));
            }
        }
    }
}
