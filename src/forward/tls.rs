//! TLS settings: rustls on ring, the web's roots, or the roots of a PEM file where the machine has its own.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// The client side's configuration. `roots` is a PEM file that replaces the built-in roots.
///
/// # Errors
/// A text that says what is wrong with the file.
pub fn config(roots: Option<&Path>) -> Result<ClientConfig, String> {
    let mut store = RootCertStore::empty();
    match roots {
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let shown = path.display();
            let certificates = CertificateDer::pem_file_iter(path)
                .map_err(|e| format!("cannot read the certificates of `{shown}`: {e}"))?;
            for certificate in certificates {
                let certificate =
                    certificate.map_err(|e| format!("`{shown}` is not a PEM file: {e}"))?;
                // A bundle may hold certificates that webpki does not take as roots; the others still count.
                let _ = store.add(certificate);
            }
            if store.is_empty() {
                return Err(format!("`{shown}` holds no certificate that can be a root"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("cannot set up TLS: {e}"))?;
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}
