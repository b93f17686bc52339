//! `receipts`: the core knows how far the message got; the answer is cut here to a page (section 9, Receipts).

use orochi_protocol::reply::ReceiptsAnswer;
use orochi_protocol::request::Receipts;
use orochi_protocol::{AgentName, Refusal};

use super::RequestLoop;

impl RequestLoop {
    pub(super) async fn receipts(&mut self, id: &str, receipts: Receipts) -> Result<(), Refusal> {
        let answer = self.link.core.receipts(self.name.clone(), receipts.seq).await?;
        let answer = answer.page(receipts.after.as_ref().map(AgentName::as_str))?;
        let answer = ReceiptsAnswer { r#ref: Some(id.to_owned()), ..answer };
        self.answer("receipts", &answer, id).await;
        Ok(())
    }
}
