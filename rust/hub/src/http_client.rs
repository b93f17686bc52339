//! Outgoing HTTP, for Gitea and the command line: no redirects, no proxies, and certificates only if needed.

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;
use rustls::crypto::{CryptoProvider, ring};

/// Builds a client for this address. Redirects are left to the caller, which knows what may be sent elsewhere. A proxy
/// from the environment would be another host that sees the token, and can't reach a loopback address.
pub fn builder(url: &str) -> ClientBuilder {
    if CryptoProvider::get_default().is_none() {
        // An error means that another thread was first, with the same result.
        let _ = ring::default_provider().install_default();
    }
    let builder = reqwest::Client::builder().redirect(Policy::none()).no_proxy();
    if url.starts_with("https:") {
        builder
    } else {
        // Without https, no certificate is checked, so the system's certificates are not loaded and may be missing.
        builder.tls_certs_only([])
    }
}
