//! What is the same call, what is kept, for how long, and what a call may ask for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::field_reassign_with_default
)]
use super::*;
use crate::options::Options;
use crate::params::Params;
use crate::request::Op;
use serde_json::json;

fn call(op: Op, members: &Value) -> Call {
    let members = Params::parse(&Bytes::from(members.to_string())).unwrap();
    let model: String = members.get("model").unwrap();
    let (options, params) = Options::split(members).unwrap();
    let mut call = Call::new(op, model, params);
    call.options = options;
    call
}

fn chat(more: Value) -> Call {
    let mut members =
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "cache question 7"}]});
    for (name, value) in more.as_object().unwrap() {
        members[name] = value.clone();
    }
    call(Op::Chat, &members)
}

fn key(call: &Call) -> String {
    key::of(call, None)
}

fn reply(text: &str) -> KeptBody {
    KeptBody::Whole(Reply {
        body: Bytes::copy_from_slice(text.as_bytes()),
        usage: None,
        upstream_model: None,
        finish_reason: None,
    })
}

fn target() -> Arc<Target> {
    let mut options = Options::default();
    options.api_key = Some(Secret::new("sk-very-secret"));
    Arc::new(Target::resolve("openai/gpt-4o", &options, &|_| None).unwrap())
}

fn cache(params: &Value) -> Arc<Cache> {
    let settings = Settings::read(params.as_object().unwrap(), &|_| None).unwrap();
    Arc::new(Cache::new(settings).unwrap())
}

fn keep(cache: &Arc<Cache>, call: &Call, text: &str, now: Instant) {
    match cache.look_up(call, now) {
        Looked::Miss(place) => place.keep(&target(), reply(text), now),
        other => panic!("{other:?}"),
    }
}

fn found(cache: &Arc<Cache>, call: &Call, now: Instant) -> Option<String> {
    match cache.look_up(call, now) {
        Looked::Hit(hit) => match hit.kept.body {
            KeptBody::Whole(reply) => Some(String::from_utf8(reply.body.to_vec()).unwrap()),
            KeptBody::Stream { .. } => None,
        },
        _ => None,
    }
}

#[test]
fn keys_are_litellms() {
    let recorded = "a9afc518bf37d8bf831748bbe4c55e6fc8d8e757a43a4c5a670c83f95f329e84";
    // As it was sent: the order of members counts.
    let messages = r#"[{"role": "user", "content": "cache question 7"}]"#;
    let mut call = chat(json!({}));
    call.params
        .set_raw("messages", Bytes::from_static(messages.as_bytes()));
    assert_eq!(key(&call), recorded);
    assert_eq!(key::of(&call, Some("n1")), format!("n1:{recorded}"));
}

#[test]
fn what_the_model_is_asked_makes_the_key_and_nothing_else() {
    let plain = key(&chat(json!({})));
    for same in [
        json!({"metadata": {"a": "1"}}),
        json!({"timeout": 3}),
        json!({"cache": {"ttl": 5}}),
        json!({"api_key": "sk-other"}),
    ] {
        assert_eq!(key(&chat(same.clone())), plain, "{same}");
    }
    for other in [
        json!({"temperature": 0.5}),
        json!({"user": "u"}),
        json!({"stream": true}),
        json!({"model": "gpt-4.1"}),
        json!({"top_k": 3}),
        json!({"api_base": "http://127.0.0.1:1"}),
    ] {
        assert_ne!(key(&chat(other.clone())), plain, "{other}");
    }
}

#[test]
fn an_answer_is_found_until_it_is_too_old() {
    let (cache, now) = (cache(&json!({"ttl": 60})), Instant::now());
    keep(&cache, &chat(json!({})), "Hello", now);
    let later = |seconds| now + Duration::from_secs(seconds);
    assert_eq!(
        found(&cache, &chat(json!({})), later(59)).as_deref(),
        Some("Hello")
    );
    assert_eq!(found(&cache, &chat(json!({})), later(60)), None);
    let strict = chat(json!({"cache": {"s-maxage": 10}}));
    assert!(
        found(&cache, &strict, later(9)).is_some() && found(&cache, &strict, later(10)).is_none()
    );
}

#[test]
fn a_call_may_ask_for_its_own() {
    let (cache, now) = (cache(&json!({})), Instant::now());
    keep(&cache, &chat(json!({"cache": {"ttl": 1}})), "short", now);
    assert!(found(&cache, &chat(json!({})), now).is_some());
    assert!(found(&cache, &chat(json!({})), now + Duration::from_secs(1)).is_none());
    keep(
        &cache,
        &chat(json!({})),
        "Hello",
        now + Duration::from_secs(1),
    );
    let now = now + Duration::from_secs(2);
    assert!(matches!(
        cache.look_up(&chat(json!({"cache": {"no-cache": true}})), now),
        Looked::Miss(_)
    ));
    assert!(matches!(
        cache.look_up(&chat(json!({"caching": false})), now),
        Looked::Passed
    ));
    let fresh = chat(json!({"temperature": 1, "cache": {"no-store": true}}));
    assert!(matches!(cache.look_up(&fresh, now), Looked::Passed));
    assert!(found(&cache, &chat(json!({"cache": {"namespace": "n"}})), now).is_none());
}

#[test]
fn settings_say_what_is_cached() {
    let now = Instant::now();
    let only = cache(&json!({"supported_call_types": ["embedding"]}));
    assert!(matches!(
        only.look_up(&chat(json!({})), now),
        Looked::Passed
    ));
    let embedding = call(Op::Embeddings, &json!({"model": "m", "input": "x"}));
    assert!(matches!(only.look_up(&embedding, now), Looked::Miss(_)));
    let off = cache(&json!({"mode": "default_off"}));
    assert!(matches!(off.look_up(&chat(json!({})), now), Looked::Passed));
    let asks = chat(json!({"cache": {"use-cache": true}}));
    assert!(matches!(off.look_up(&asks, now), Looked::Miss(_)));
    let refused = Settings::read(
        json!({"type": "redis-semantic"}).as_object().unwrap(),
        &|_| None,
    );
    assert!(refused.unwrap_err().contains("redis-semantic"));
}

#[test]
fn a_reload_keeps_what_was_kept_where_the_settings_stay() {
    let settings = json!({"cache": true, "cache_params": {"ttl": 60}});
    let settings = settings.as_object().unwrap();
    let first = Cache::of_config(settings, &|_| None, None)
        .unwrap()
        .unwrap();
    let second = Cache::of_config(settings, &|_| None, Some(first.clone()))
        .unwrap()
        .unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    let other = json!({"cache": true, "cache_params": {"ttl": 5}});
    let third =
        Cache::of_config(other.as_object().unwrap(), &|_| None, Some(first.clone())).unwrap();
    assert!(!Arc::ptr_eq(&first, &third.unwrap()));
    assert!(
        Cache::of_config(&Map::new(), &|_| None, Some(first))
            .unwrap()
            .is_none()
    );
}

#[test]
fn the_oldest_make_room() {
    let (memory, now) = (Memory::new(10_000), Instant::now());
    let kept = |text: &str| Kept {
        target: target(),
        body: reply(text),
        at: now,
    };
    let minute = Duration::from_secs(60);
    for number in 0..20 {
        memory.put(format!("k{number}"), kept(&"x".repeat(1000)), minute, now);
    }
    assert!(memory.get("k0", now).is_none() && memory.get("k19", now).is_some());
    memory.put("k19".to_owned(), kept("again"), minute, now);
    memory.put("huge".to_owned(), kept(&"x".repeat(20_000)), minute, now);
    assert!(memory.get("huge", now).is_none(), "it does not fit");
    memory.put("k1".to_owned(), kept("fits"), minute, now);
    assert!(memory.get("k1", now).is_some());
}

#[test]
fn no_key_of_a_provider_is_kept() {
    let (cache, now) = (cache(&json!({})), Instant::now());
    keep(&cache, &chat(json!({})), "Hello", now);
    let Looked::Hit(hit) = cache.look_up(&chat(json!({})), now) else {
        panic!("no hit")
    };
    assert!(
        hit.kept
            .target
            .api_key
            .as_ref()
            .is_none_or(|key| key.expose().is_empty())
    );
}

#[test]
fn what_changes_at_the_provider_is_not_cached() {
    use crate::request::{Resource, Stored};
    let cache = cache(&json!({}));
    for op in [
        Op::Resource(Resource::RetrieveBatch),
        Op::Stored(Stored::Get),
        Op::ImageGeneration,
        Op::Moderation,
    ] {
        let call = call(op, &json!({"model": "gpt-4o", "batch_id": "b"}));
        assert!(
            matches!(cache.look_up(&call, Instant::now()), Looked::Passed),
            "{op:?}"
        );
    }
    for op in [
        Op::Chat,
        Op::Embeddings,
        Op::Messages,
        Op::Responses,
        Op::Rerank,
    ] {
        let call = call(op, &json!({"model": "gpt-4o", "input": "q"}));
        assert!(
            matches!(cache.look_up(&call, Instant::now()), Looked::Miss(_)),
            "{op:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_calls_at_the_same_time_are_asked_once() {
    let cache = cache(&json!({"single_flight": true}));
    let now = Instant::now();
    let question = chat(json!({}));
    let Looked::Miss(first) = cache.look_up(&question, now) else {
        panic!("the first is asked");
    };
    let waits = |call: &Call| match cache.look_up(call, now) {
        Looked::Wait(waiting) => waiting,
        other => panic!("{other:?}"),
    };
    let (second, third) = (waits(&question), waits(&question));
    // Another question, a stream, and who wants an answer of its own do not wait.
    for other in [
        chat(json!({"temperature": 1})),
        chat(json!({"stream": true})),
        chat(json!({"cache": {"no-cache": true}})),
    ] {
        assert!(matches!(cache.look_up(&other, now), Looked::Miss(_)));
    }
    let second = tokio::spawn(second.answer(None));
    first.keep(&target(), reply("one"), now);
    let Looked::Hit(hit) = second.await.unwrap() else {
        panic!("the second has the first one's answer");
    };
    assert_eq!(hit.key, key(&question));
    assert!(matches!(third.answer(None).await, Looked::Hit(_)));
    assert_eq!(found(&cache, &question, now).as_deref(), Some("one"));
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_nothing_goes_on_alone() {
    let cache = cache(&json!({"single_flight": true}));
    let now = Instant::now();
    let question = chat(json!({}));
    let looked = |cache: &Arc<Cache>| cache.look_up(&question, now);
    let Looked::Miss(first) = looked(&cache) else {
        panic!("the first is asked");
    };
    let (Looked::Wait(second), Looked::Wait(third)) = (looked(&cache), looked(&cache)) else {
        panic!("the others wait");
    };
    let soon = Some(tokio::time::Instant::now().into_std() + Duration::from_secs(1));
    assert!(matches!(second.answer(soon).await, Looked::Miss(_)));
    // The first one failed, or its caller left.
    drop(first);
    assert!(matches!(third.answer(None).await, Looked::Miss(_)));
    assert!(matches!(looked(&cache), Looked::Miss(_)));
}
