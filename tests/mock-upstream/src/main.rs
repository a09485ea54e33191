//! `mock-upstream --port N`: the mock upstream as a process, for benches and Python tests.

use mock_upstream::Mock;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip_while(|arg| arg != "--port").skip(1);
    let port = args.next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = Mock::bind(port)?;
    Mock::quiet().serve(listener).await;
    Ok(())
}
