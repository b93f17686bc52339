//! Reads a review's comments on lines. A delivery has only the review's main text, but most mentions are in comments on
//! lines. The hub reads these from Gitea and posts each as a message of its own.

use std::sync::Arc;

use super::Bridge;
use crate::gitea::Failure;
use crate::gitea::webhook::event::Event;
use crate::gitea::webhook::payload::{LineComment, ListedReview, Repository};

/// Reviews of one pull request that are searched.
const REVIEWS_MAX: usize = 500;

impl Bridge {
    /// Reads the line comments of a posted review in the background. If this fails, the repository is queried again
    /// later.
    pub(super) fn read_lines_of(&self, event: &Event) {
        let is_review = matches!(event.action.as_str(), "approved" | "rejected" | "reviewed");
        let (true, true, Some(number)) = (self.0.asks, is_review, event.number) else { return };
        let Ok(permit) = Arc::clone(&self.0.reviews).try_acquire_owned() else { return self.0.places.owe(event) };
        let (bridge, event) = (self.clone(), event.clone());
        tokio::spawn(async move {
            let told = bridge.tell_lines_of(&event, number).await;
            drop(permit);
            if let Err(failure) = told {
                tracing::warn!(refusal = %failure.refusal, repo = %event.repo, "a review's comments can't be read");
                bridge.0.places.owe(&event);
            }
        });
    }

    async fn tell_lines_of(&self, event: &Event, number: u64) -> Result<(), Failure> {
        let reviews = self.reviews_of(&event.repo, number).await?;
        let own = reviews.into_iter().filter(|review| event.is_by(&review.user));
        let Some(newest) = own.max_by_key(|review| review.id) else { return Ok(()) };
        let repository = Repository {
            id: event.repo_id,
            full_name: event.repo.clone(),
            html_url: event.repo_url.clone(),
            updated_at: event.at.clone(),
        };
        for mut comment in self.lines_of(&repository, &newest, number, &event.title).await? {
            let id = format!("gitea-line-{}", uuid::Uuid::now_v7());
            self.post(id, &mut comment).await?;
        }
        Ok(())
    }

    /// A pull request's reviews.
    pub(super) async fn reviews_of(&self, repo: &str, number: u64) -> Result<Vec<ListedReview>, Failure> {
        let Some((owner, name)) = repo.split_once('/') else { return Ok(Vec::new()) };
        let number = number.to_string();
        self.0.gitea.list(&["repos", owner, name, "pulls", &number, "reviews"], &[], REVIEWS_MAX).await
    }

    /// A review's comments on lines, each as an event.
    pub(super) async fn lines_of(
        &self,
        repository: &Repository,
        review: &ListedReview,
        number: u64,
        title: &str,
    ) -> Result<Vec<Event>, Failure> {
        let Some((owner, name)) = repository.full_name.split_once('/') else { return Ok(Vec::new()) };
        let (pull, id) = (number.to_string(), review.id.to_string());
        let path = ["repos", owner, name, "pulls", &pull, "reviews", &id, "comments"];
        let comments: Vec<LineComment> = self.0.gitea.whole_list(&path).await?;
        let events = comments.into_iter().map(|comment| {
            let sender = comment.user.clone();
            Event::in_repo("review_comment", repository, &sender).of_line_comment(comment, number, title)
        });
        Ok(events.collect())
    }
}
