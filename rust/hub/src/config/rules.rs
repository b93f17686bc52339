//! Rules that choose the channel for a repository's events, such as `lab/api=#api,lab/*=#lab,*=#git`.

use orochi_protocol::ChannelName;

/// The channel for events that no rule matches.
const DEFAULT: &str = "#gitea";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRule {
    repos: Repos,
    channel: ChannelName,
}

/// The repositories of a rule, in lower case, because Gitea's names are case-insensitive.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Repos {
    All,
    Of { owner: String },
    One { full_name: String },
}

impl ChannelRule {
    /// Parses `owner/repo=#channel`, `owner/*=#channel` or `*=#channel`.
    ///
    /// # Errors
    /// The expected form, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || "rules such as lab/api=#api,lab/*=#lab,*=#git".to_owned();
        let (repos, channel) = text.split_once('=').ok_or_else(expected)?;
        let channel =
            ChannelName::parse(channel.trim()).map_err(|refusal| format!("{}, but {}", expected(), refusal.detail))?;
        Ok(Self { repos: Repos::parse(repos.trim()).ok_or_else(expected)?, channel })
    }

    fn covers(&self, full_name: &str) -> bool {
        match &self.repos {
            Repos::All => true,
            Repos::Of { owner } => full_name.split_once('/').is_some_and(|(of, _)| of == owner),
            Repos::One { full_name: one } => one == full_name,
        }
    }
}

impl Repos {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        if text == "*" {
            return Some(Self::All);
        }
        // The characters of Gitea's names. None of them needs an escape in an address.
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        match text.split_once('/')? {
            (owner, "*") if is_name(owner) => Some(Self::Of { owner: owner.to_owned() }),
            (owner, repo) if is_name(owner) && is_name(repo) => Some(Self::One { full_name: text }),
            _ => None,
        }
    }
}

/// The channel of the first matching rule, else `#gitea`.
pub(crate) fn channel_for(rules: &[ChannelRule], full_name: &str) -> ChannelName {
    let full_name = full_name.to_ascii_lowercase();
    let rule = rules.iter().find(|rule| rule.covers(&full_name));
    rule.map_or_else(|| ChannelName::parse(DEFAULT).expect("it is a channel's name"), |rule| rule.channel.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_covers_a_repository_counts() {
        let rules: Vec<_> = ["lab/api=#api", "LAB/*=lab", "bob/Site = #site"]
            .into_iter()
            .map(|text| ChannelRule::parse(text).unwrap())
            .collect();
        for (repo, channel) in [
            ("lab/api", "#api"),
            ("Lab/API", "#api"),
            ("lab/api2", "#lab"),
            ("bob/site", "#site"),
            ("bob/other", "#gitea"),
            ("labs/api", "#gitea"),
            ("", "#gitea"),
        ] {
            assert_eq!(channel_for(&rules, repo).as_str(), channel, "{repo}");
        }
        let all = [ChannelRule::parse("*=#git").unwrap()];
        assert_eq!(channel_for(&all, "any/thing").as_str(), "#git");
    }

    #[test]
    fn a_rule_that_can_not_work_is_refused() {
        for bad in [
            "",
            "lab/api",
            "=#api",
            "lab=#api",
            "lab/=#api",
            "/api=#api",
            "*/api=#api",
            "lab/a*=#api",
            "lab/api/x=#api",
            "lab/api=",
            "lab/api=@bob",
            "lab/api=#a b",
            "https://git/lab/api=#api",
        ] {
            assert!(ChannelRule::parse(bad).is_err(), "{bad:?}");
        }
    }
}
