//! The same for the server's recorded calls: replies name the model as the client does, and `null` is not missing.

use super::*;

/// The server's calls carry a route, and their replies the client's name of the model.
fn proxy_case(case: &Value, step: &Value) -> Option<Case> {
    let request = &step["request"];
    let path = request["path"].as_str()?.trim_start_matches("/v1");
    let op = match path {
        "/chat/completions" => Op::Chat,
        "/completions" => Op::TextCompletion,
        "/embeddings" => Op::Embeddings,
        _ => return None,
    };
    let body = request["json"].as_object()?;
    let served = step["expected"]["headers"]["x-litellm-model-name"].as_str()?;
    let (name, model) = served.split_once('/')?;
    let sent = step["expected"]["upstream"][0]["path"]
        .as_str()
        .unwrap_or("");
    let upstream = step["upstream"].as_array()?.iter().find(|scripted| {
        scripted["match"]["path"]
            .as_str()
            .is_none_or(|wanted| sent.contains(wanted))
    })?;
    let (options, members) = Options::split(params(body)).ok()?;
    let mut call = Call::new(op, body.get("model")?.as_str()?, members);
    call.options = options;
    call.options.ask_stream_usage = case["config"] == "17_settings";
    call.caller.route = path.to_owned().into();
    Some(Case {
        call,
        target: target(name, model),
        upstream: upstream.clone(),
    })
}

/// Names of all members, down to those of messages: over HTTP, `null` is not the same as missing.
fn names_of(reply: &Value) -> Vec<String> {
    let names = |at: &str| {
        let object = reply.pointer(at).and_then(Value::as_object);
        let names = object.into_iter().flat_map(|object| object.keys());
        names.map(|name| format!("{at}/{name}")).collect::<Vec<_>>()
    };
    let places = ["", "/choices/0", "/choices/0/message", "/usage"];
    let mut names: Vec<String> = places.iter().flat_map(|at| names(at)).collect();
    names.sort();
    names
}

fn check_proxy(case: &Case, expected: &Value) -> Option<String> {
    if case.call.stream {
        let (chunks, end, _) = run_stream(case, &[]);
        let mut recorded: Vec<Value> = expected["sse"]
            .as_array()?
            .iter()
            .map(|event| event["data"].clone())
            .collect();
        recorded.pop_if(|last| *last == "[DONE]");
        let error = recorded.pop_if(|last| last.get("error").is_some());
        let (recorded, usage) = without_usage_chunk(&recorded);
        if let Some(difference) = differs("sse", &json!(recorded), &json!(chunks)) {
            return Some(difference);
        }
        return match (end, error) {
            (Ok(end), None) => check_usage_chunk(&end, usage),
            (Err(error), Some(wanted)) => differs(
                "error",
                &wanted["error"]["message"],
                &json!(error.litellm_message()),
            ),
            (end, error) => Some(format!("{:?} is not {error:?}", end.err())),
        };
    }
    let body = Bytes::from(serde_json::to_vec(case.upstream.get("json")?).unwrap());
    let head = head(&case.upstream);
    if head.status.as_u16() >= 400 {
        let error = OpenAi.error(&case.call, &case.target, &head, &body);
        let wanted = expected["body"]["error"]["message"].as_str()?;
        let wanted = wanted.split("\n\n").next()?;
        let kind = expected["body"]["error"]["type"].as_str()?;
        let shown = error
            .openai_type
            .as_deref()
            .unwrap_or(error.kind.row().openai_type);
        let ok = wanted == error.litellm_message()
            && expected["status"] == json!(error.status)
            && kind == shown;
        return (!ok).then(|| format!("{wanted} {kind} is {error:?} {shown}"));
    }
    match OpenAi.reply(&case.call, &case.target, &head, body) {
        Ok(reply) => {
            let reply: Value = serde_json::from_slice(&reply.body).unwrap();
            if names_of(&reply) != names_of(&expected["body"]) {
                return Some(format!("members of {reply}"));
            }
            differs("body", &expected["body"], &reply)
        }
        Err(error) => {
            let wanted = expected["body"]["error"]["message"].as_str().unwrap_or("");
            let same = wanted.split("\n\n").next() == Some(error.litellm_message().as_str());
            (!same).then(|| format!("{error}"))
        }
    }
}

#[test]
fn recorded_server_calls_give_recorded_bodies() {
    const FILES: [&str; 7] = [
        "chat",
        "completions",
        "embeddings",
        "errors",
        "stream",
        "headers",
        "retries",
    ];
    let mut matched = 0;
    let mut missed = Vec::new();
    for file in FILES {
        let cases = read(&conformance(&format!("proxy/cases/open/{file}.json")));
        for case in cases["cases"].as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            for step in case["steps"].as_array().unwrap() {
                let single = step["upstream"]
                    .as_array()
                    .is_some_and(|scripted| scripted.len() == 1 || id.contains("completions/"));
                let Some(built) = proxy_case(case, step)
                    .filter(|built| single && built.target.provider.is_compatible())
                else {
                    continue;
                };
                let known = if built.call.stream { "sse" } else { "json" };
                if built.upstream.get(known).is_none()
                    || step["expected"]
                        .get(if built.call.stream { "sse" } else { "body" })
                        .is_none()
                {
                    continue;
                }
                // Refused before any upstream was asked.
                let asked = step["expected"]["upstream"]
                    .as_array()
                    .is_none_or(|sent| !sent.is_empty());
                if !asked || built.upstream.get("abort_after").is_some() {
                    continue;
                }
                match check_proxy(&built, &step["expected"]) {
                    None => matched += 1,
                    Some(difference) => missed.push(format!("{id}: {difference}")),
                }
            }
        }
    }
    for miss in &missed {
        println!("{miss}");
    }
    println!("{matched} matched, {} missed", missed.len());
    assert!(matched >= 121 && missed.len() <= 2);
}
