//! A call tells what became of it and why.

use super::{asks, call, group, header, ill, well};
use crate::bed::Bed;
use serde_json::{Value, json};

fn told(reply: &crate::client::Reply) -> Value {
    let line = header(reply, "x-gateway-explain").unwrap_or_else(|| panic!("{}", reply.head));
    serde_json::from_str(&line).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_attempts_and_costs_are_told_to_who_asks() {
    let bed = Bed::with(2, |ports| {
        let router =
            "num_retries: 4, circuit_breaker: {consecutive_failures: 1, ejection_time: 60}";
        group(ports, "", router, "")
    });
    bed.mocks[0].script(vec![ill(500)]);
    bed.mocks[1].script(vec![well(0)]);
    let wants = "x-gateway-explain: 1\r\n";
    // Until the first one has been tried, and so ejected.
    let mut explained = Value::Null;
    for _ in 0..50 {
        explained = told(&call(&bed, asks(json!({}), wants)).await);
        if explained["attempts"][0]["status"] == 500 {
            break;
        }
    }
    assert_eq!(explained["attempts"][0]["id"], "d0");
    assert_eq!(explained["attempts"][0]["error"], "internalservererror");
    assert_eq!(explained["attempts"][1]["id"], "d1");
    assert_eq!(explained["attempts"][1]["status"], 200);
    assert!(
        explained["attempts"][1]["cost_usd"]
            .as_f64()
            .is_some_and(|cost| cost > 0.0),
        "{explained}"
    );
    assert!(explained["attempts"][1]["took_ms"].is_number());
    assert_eq!(explained["retries"], 1);
    let second = &explained["picks"][1];
    assert_eq!(second["candidates"][0]["dropped"], "ejected", "{explained}");
    assert_eq!(second["candidates"][1]["dropped"], Value::Null);
    assert_eq!(second["chosen"], "d1");

    let silent = call(&bed, asks(json!({}), "")).await;
    assert_eq!(header(&silent, "x-gateway-explain"), None);
    let streamed = call(&bed, asks(json!({"stream": true}), wants)).await;
    assert!(
        header(&streamed, "x-gateway-explain").is_some(),
        "{}",
        streamed.head
    );
    bed.mocks[1].script(vec![ill(400)]);
    let failed = call(&bed, asks(json!({}), wants)).await;
    assert_eq!(failed.status, 400);
    assert_eq!(told(&failed)["attempts"][0]["status"], 400);
}
