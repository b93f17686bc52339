//! One value parser for each kind of setting. An error says only what is expected, as the end of a sentence:
//! [`super::variables::bad_value`] adds the flag or variable and the value in front.

use orochi_protocol::AgentName;

/// The format of the hub's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text in a terminal, else JSON.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object on each line.
    Json,
}

/// A port to bind; 0 lets the system choose.
pub fn port(text: &str) -> Result<u16, String> {
    text.trim().parse().map_err(|_| "a port number from 0 to 65535".to_owned())
}

/// A switch, in the usual spellings of environment files.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("1, true or yes, or 0, false or no".to_owned()),
    }
}

/// The name of a [`LogFormat`].
pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text.trim() {
        "auto" => Ok(LogFormat::Auto),
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("auto, text or json".to_owned()),
    }
}

/// An HTTP address without a final slash.
pub(super) fn http_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(text.to_owned()),
        _ => Err("an address such as http://localhost:3000".to_owned()),
    }
}

/// A size from 1 KiB to 16 MiB; K and M mean 1024 and its square.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1024),
        Some((at, 'm' | 'M')) => (&text[..at], 1024 * 1024),
        _ => (text, 1),
    };
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    let bytes = bytes.filter(|bytes| (1024..=16 * 1024 * 1024).contains(bytes));
    bytes.ok_or_else(|| "a number of bytes from 1K to 16M, such as 8M".to_owned())
}

/// An agent and the Gitea user for its calls.
pub(super) fn gitea_user(text: &str) -> Result<(String, String), String> {
    let is_user = |user: &str| {
        !user.is_empty() && user.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    match text.trim().split_once('=') {
        Some((agent, user)) if AgentName::parse(agent).is_ok() && is_user(user) => {
            Ok((agent.to_owned(), user.to_owned()))
        }
        _ => Err("a list of agents and Gitea users such as alice=alice-gitea,bob=bob".to_owned()),
    }
}

/// A web page's origin as a browser sends it: scheme, host and port only.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let text = text.trim();
    match reqwest::Url::parse(text) {
        Ok(url) if url.has_host() && url.path() == "/" && url.query().is_none() && url.fragment().is_none() => {
            Ok(text.trim_end_matches('/').to_ascii_lowercase())
        }
        _ => Err("a list of origins such as https://orochi.example.com".to_owned()),
    }
}

/// A host for the `Host` header: a name or an IP address, with or without a port.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if text.is_empty() || !text.chars().all(allowed) {
        return Err("a list of host names such as orochi.example.com".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_switches_at_their_edges() {
        assert_eq!((port("0"), port(" 65535 ")), (Ok(0), Ok(65535)));
        for bad in ["", "65536", "-1", "abc", "80.0", "tcp://10.0.0.1:9559"] {
            assert!(port(bad).is_err(), "{bad:?}");
        }
        assert_eq!((switch("1"), switch("YES"), switch("true")), (Ok(true), Ok(true), Ok(true)));
        assert_eq!((switch("0"), switch("No"), switch("false")), (Ok(false), Ok(false), Ok(false)));
        assert!(switch("maybe").is_err());
    }

    #[test]
    fn addresses_are_whole_and_lose_their_last_slash() {
        assert_eq!(http_url("http://git.lab:3000/").unwrap(), "http://git.lab:3000");
        assert_eq!(http_url("https://lab/gitea").unwrap(), "https://lab/gitea");
        for bad in ["git.lab:3000", "localhost", "ftp://lab", "http://", ""] {
            assert!(http_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_size_is_in_bytes_or_in_k_or_m() {
        assert_eq!((bytes("2048"), bytes("8M"), bytes(" 512k ")), (Ok(2048), Ok(8 << 20), Ok(512 << 10)));
        for bad in ["", "M", "1", "17M", "-1", "1G", "99999999999999999999M", "8MiB"] {
            assert!(bytes(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_gitea_user_is_written_after_its_agent() {
        assert_eq!(gitea_user(" alice=al.ice_1").unwrap(), ("alice".to_owned(), "al.ice_1".to_owned()));
        for bad in ["alice", "alice=", "=bob", "a b=bob", "alice=a b", "alice=b\r\nX: y"] {
            assert!(gitea_user(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn origins_and_hosts_are_compared_in_lower_case() {
        assert_eq!(origin(" https://Orochi.example.com/").unwrap(), "https://orochi.example.com");
        assert_eq!(origin("http://[::1]:8559").unwrap(), "http://[::1]:8559");
        for bad in ["orochi.example.com", "https://a/b", "*", "", "https://a?x"] {
            assert!(origin(bad).is_err(), "{bad:?}");
        }
        assert_eq!(host_name("Orochi.lab:9559").unwrap(), "orochi.lab:9559");
        for bad in ["", "http://lab", "a b", "*"] {
            assert!(host_name(bad).is_err(), "{bad:?}");
        }
    }
}
