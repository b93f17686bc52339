//! Finds missed events. Gitea sends each delivery once, so events are lost while the hub is down or can't store them.
//! At start, and after a delivery that could not be read or stored, the hub queries each repository that has sent
//! events for changes since its place, with one request for each kind.

use std::time::Duration;

use orochi_protocol::{Refusal, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Bridge;
use super::places::{Owed, PREFIX, Place};
use crate::gitea::Failure;
use crate::gitea::webhook::event::Event;
use crate::gitea::webhook::payload::{Comment, ListedReview, Release, Repository, Subject, User};

/// Repositories that are queried at the same time.
const AT_A_TIME: usize = 20;
/// Repositories that are queried in total: those with the latest events first.
const REPOSITORIES_MAX: usize = 1000;
/// Repositories without an event in this time are not queried.
const TOLD_WITHIN_MICROS: i64 = 30 * 24 * 60 * 60 * 1_000_000;
/// Entries of each kind that are read from one repository.
const ENTRIES_MAX: usize = 2000;
/// Releases that are read from one repository: the newest.
const RELEASES_MAX: usize = 50;
/// A query begins this much before the repository's place. Events posted before are recognised by their keys.
const OVERLAP_MICROS: i64 = 5_000_000;
/// The wait before a failed query is repeated.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// An event with its time; late events are posted in this order.
type Timed = (Timestamp, Event);

impl Bridge {
    /// Continues from the places that a former run noted. Runs in the background until the hub stops; the caller does
    /// not wait for Gitea.
    pub(crate) async fn catch_up(&self) {
        if !self.0.asks {
            return;
        }
        let notes = self.0.core.reads().run(|reader| reader.notes(PREFIX, REPOSITORIES_MAX)).await;
        match notes {
            Ok(notes) => {
                let oldest = crate::core::system_clock().as_micros() - TOLD_WITHIN_MICROS;
                let recent: Vec<_> = notes.into_iter().filter(|note| note.ts.as_micros() >= oldest).collect();
                self.0.places.load(&recent);
            }
            Err(error) => {
                tracing::warn!(%error, "the notes of repositories can't be read: missed Gitea events are not searched")
            }
        }
        let bridge = self.clone();
        tokio::spawn(async move {
            let core = bridge.0.core.clone();
            tokio::select! {
                () = bridge.ask_for_ever() => {}
                () = core.stopped() => {}
            }
        });
    }

    async fn ask_for_ever(&self) {
        let mut next_doubt = Instant::now();
        loop {
            self.ask_all(self.0.places.owed()).await;
            if self.0.places.owed().is_empty() {
                self.0.places.woken().await;
                if self.0.places.take_doubt() {
                    // Anybody can send a broken delivery. The pause keeps this from causing constant queries.
                    tokio::time::sleep_until(next_doubt).await;
                    next_doubt = Instant::now() + AGAIN_AFTER;
                }
            } else {
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }

    async fn ask_all(&self, places: Vec<Owed>) {
        let room = std::sync::Arc::new(Semaphore::new(AT_A_TIME));
        let mut asked = JoinSet::new();
        for owed in places {
            let (bridge, room) = (self.clone(), std::sync::Arc::clone(&room));
            asked.spawn(async move {
                let _permit = room.acquire().await;
                bridge.ask(owed).await;
            });
        }
        while asked.join_next().await.is_some() {}
    }

    async fn ask(&self, owed: Owed) {
        let Owed { mut place, debt } = owed;
        let mut missed = self.missed(&place, Absent::IsAFailure).await;
        if matches!(&missed, Err(failure) if matches!(failure.status, Some(301 | 307 | 404))) {
            // The repository was renamed or moved and keeps its number, or its issues are switched off.
            match self.0.gitea.one::<Repository>(&["repositories", &place.id.to_string()]).await {
                Ok(found) => {
                    place.name = found.full_name;
                    missed = self.missed(&place, Absent::IsNone).await;
                }
                // The repository is deleted, or hidden from the token's user. It will not come back, so nothing is
                // owed.
                Err(failure) if failure.status == Some(404) => return self.0.places.settle(place.id, debt),
                Err(_) => {}
            }
        }
        match missed {
            Ok(missed) => match self.tell_late(missed).await {
                Ok(()) => self.0.places.settle(place.id, debt),
                Err(refusal) => tracing::warn!(%refusal, repo = %place.name, "missed events could not be stored"),
            },
            Err(failure) => {
                tracing::warn!(refusal = %failure.refusal, repo = %place.name, "querying Gitea for missed events failed");
            }
        }
    }

    async fn tell_late(&self, mut missed: Vec<Timed>) -> Result<(), Refusal> {
        missed.sort_by_key(|(at, _)| *at);
        for (_, mut event) in missed {
            event.is_late = true;
            event.keys.append(&mut event.weak_keys);
            let id = format!("gitea-late-{}", uuid::Uuid::now_v7());
            self.post(id, &mut event).await?;
        }
        Ok(())
    }

    /// Events since the repository's place. Most of them were already posted.
    async fn missed(&self, place: &Place, absent: Absent) -> Result<Vec<Timed>, Failure> {
        let Some((owner, name)) = place.name.split_once('/') else { return Ok(Vec::new()) };
        let gitea = &self.0.gitea;
        // The query begins somewhat earlier: Gitea stores whole seconds and delivers close events in any order.
        let since = Timestamp::from_micros(place.since.as_micros() / 1_000_000 * 1_000_000 - OVERLAP_MICROS);
        let text = since.to_string();
        let text = text.split_once('.').map_or(text.clone(), |(date, _)| format!("{date}Z"));
        let repository = Repository {
            id: place.id,
            full_name: place.name.clone(),
            html_url: format!("{}/{}", gitea.address().unwrap_or_default(), place.name),
            ..Repository::default()
        };
        let path = |rest: &[&'static str]| [&["repos", owner, name], rest].concat();
        let query = [("state", "all"), ("since", text.as_str())];
        let issues: Vec<Subject> = absent.check(gitea.list(&path(&["issues"]), &query, ENTRIES_MAX).await)?;
        let comments = gitea.list(&path(&["issues", "comments"]), &query[1..], ENTRIES_MAX).await;
        let comments: Vec<Comment> = absent.check(comments)?;
        let releases: Vec<Release> = absent.check(gitea.list(&path(&["releases"]), &[], RELEASES_MAX).await)?;
        let mut missed = Vec::new();
        // Gitea lists the newest first. Reversed, events of the same second are posted in their order.
        for subject in issues.iter().rev() {
            missed.extend(of_subject(&repository, subject));
            if subject.pull_request.is_some() {
                missed.extend(self.missed_reviews(&repository, subject, since).await?);
            }
        }
        missed.extend(comments.into_iter().filter_map(|comment| of_comment(&repository, comment, &issues)));
        for release in releases.into_iter().rev().filter(|release| !release.draft) {
            missed.push(of("release", "published", &repository, &release.author).of_release(release));
        }
        let timed = missed.into_iter().filter_map(|event| Some((Timestamp::parse(&event.at)?, event)));
        Ok(timed.filter(|(at, _)| *at >= since).collect())
    }

    async fn missed_reviews(
        &self,
        repository: &Repository,
        pull: &Subject,
        since: Timestamp,
    ) -> Result<Vec<Event>, Failure> {
        let Some(number) = pull.number else { return Ok(Vec::new()) };
        let mut missed = Vec::new();
        for review in self.reviews_of(&repository.full_name, number).await? {
            if Timestamp::parse(&review.submitted_at).is_none_or(|at| at < since) {
                continue;
            }
            missed.extend(of_review(repository, &review, pull));
            missed.extend(self.lines_of(repository, &review, number, &pull.title).await?);
        }
        Ok(missed)
    }
}

/// The meaning of a 404 for a list.
#[derive(Clone, Copy)]
enum Absent {
    /// The repository may have been renamed.
    IsAFailure,
    /// The repository exists; this kind of entry is switched off in it.
    IsNone,
}

impl Absent {
    fn check<T>(self, asked: Result<Vec<T>, Failure>) -> Result<Vec<T>, Failure> {
        match (self, asked) {
            (Self::IsNone, Err(failure)) if failure.status == Some(404) => Ok(Vec::new()),
            (_, asked) => asked,
        }
    }
}

fn of(kind: &str, action: &str, repository: &Repository, sender: &User) -> Event {
    Event { action: action.to_owned(), ..Event::in_repo(kind, repository, sender) }
}

/// The opening and the closing of an issue. Its other changes leave no trace in Gitea's lists.
fn of_subject(repository: &Repository, subject: &Subject) -> Vec<Event> {
    let is_pull = subject.pull_request.is_some();
    let kind = if is_pull { "pull_request" } else { "issues" };
    let told = |action: &str, at: &str| {
        let event = Event { is_pull, ..of(kind, action, repository, &subject.user) };
        Event { at: at.to_owned(), ..event.of_subject(subject.clone()) }
    };
    let mut events = vec![told("opened", &subject.created_at)];
    if !subject.closed_at.is_empty() {
        // Gitea does not name the user who closed an issue.
        events.push(Event { sender: "somebody".to_owned(), sender_id: 0, ..told("closed", &subject.closed_at) });
    }
    events
}

fn of_comment(repository: &Repository, comment: Comment, issues: &[Subject]) -> Option<Event> {
    let (on, at) = ([comment.issue_url.clone(), comment.pull_request_url.clone()], comment.created_at.clone());
    // A comment updates its issue, so the issue is among those that were read.
    let subject = issues.iter().find(|issue| !issue.html_url.is_empty() && on.contains(&issue.html_url))?;
    let event = of("issue_comment", "created", repository, &comment.user);
    Some(Event { at, ..event.of_comment(comment, subject) })
}

fn of_review(repository: &Repository, review: &ListedReview, pull: &Subject) -> Option<Event> {
    let verdict = match review.state.as_str() {
        "APPROVED" => "approved",
        "REQUEST_CHANGES" => "rejected",
        "COMMENT" => "reviewed",
        // Pending reviews are not published. Review requests arrive as events of their own.
        _ => return None,
    };
    let event = Event { is_pull: true, ..of("pull_request", "", repository, &review.user) };
    let told = event.of_review(verdict, review.body.clone(), pull.clone());
    Some(Event { at: review.submitted_at.clone(), ..told })
}
