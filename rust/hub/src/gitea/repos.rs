//! Repositories and organisations, and Gitea's version.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::failure::{Failure, unavailable};
use super::http::Call;
use super::pages::{self, ENTRIES_MAX, Shape};
use super::subject::Name;

/// Creates a repository for the token's user or for an organisation.
pub(super) async fn create(
    call: &mut Call<'_>,
    name: &Name,
    org: Option<&Name>,
    private: bool,
) -> Result<Box<RawValue>, Failure> {
    let body = json!({"name": name.as_str(), "private": private});
    match org {
        Some(org) => call.write(Method::POST, &["orgs", org.as_str(), "repos"], &body).await,
        None => call.write(Method::POST, &["user", "repos"], &body).await,
    }
}

/// Creates an organisation that everyone can see, as 0.1.0 does.
pub(super) async fn create_org(call: &mut Call<'_>, name: &Name, description: &str) -> Result<Box<RawValue>, Failure> {
    #[derive(Serialize)]
    struct Body<'a> {
        username: &'a str,
        visibility: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        description: &'a str,
    }
    let body = Body { username: name.as_str(), visibility: "public", description };
    call.write(Method::POST, &["orgs"], &body).await
}

/// Lists the repositories of an organisation or a user, or all that the token can see.
pub(super) async fn list(call: &mut Call<'_>, org: Option<&Name>) -> Result<Box<RawValue>, Failure> {
    let entries = match org {
        Some(owner) => match of_owner(call, "orgs", owner).await {
            Err(failure) if failure.status == Some(404) => match of_owner(call, "users", owner).await {
                // Neither exists. The requester named an organisation, so it gets that failure.
                Err(other) if other.status == Some(404) => return Err(failure),
                listed => listed?,
            },
            listed => listed?,
        },
        None => pages::all(call, &["repos", "search"], &[], Shape::Search, ENTRIES_MAX).await?,
    };
    pages::to_list(entries)
}

async fn of_owner(call: &mut Call<'_>, kind: &str, owner: &Name) -> Result<Vec<Box<RawValue>>, Failure> {
    pages::all(call, &[kind, owner.as_str(), "repos"], &[], Shape::List, ENTRIES_MAX).await
}

/// Lists the repositories of the token's user and of the organisations that it owns.
pub(super) async fn list_mine(call: &mut Call<'_>) -> Result<Box<RawValue>, Failure> {
    pages::to_list(pages::all(call, &["user", "repos"], &[], Shape::List, ENTRIES_MAX).await?)
}

/// Gets Gitea's version.
pub(super) async fn version(call: &mut Call<'_>) -> Result<Box<RawValue>, Failure> {
    #[derive(Serialize, Deserialize)]
    struct Version {
        version: String,
    }
    let version: Version = call.get(&["version"], &[]).await?.read()?;
    to_raw_value(&version).map_err(|error| unavailable(&format!("its version can't be passed on ({error})")))
}
