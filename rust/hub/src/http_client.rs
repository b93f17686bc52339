//! HTTP out, for Gitea and for the command line: no redirects, no proxies, and certificates only where they are needed.

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;
use rustls::crypto::{CryptoProvider, ring};

/// A client for this address. Redirects are left to the caller, who alone knows what may be sent elsewhere; a proxy
/// from the environment would be another host that sees the token, and can't reach a loopback address.
pub fn builder(url: &str) -> ClientBuilder {
    if CryptoProvider::get_default().is_none() {
        // An error says that another thread was first, which is as good.
        let _ = ring::default_provider().install_default();
    }
    let builder = reqwest::Client::builder().redirect(Policy::none()).no_proxy();
    if url.starts_with("https:") {
        builder
    } else {
        // The system's certificates are not read, or missed, where none is looked at.
        builder.tls_certs_only([])
    }
}
