#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use serde_json::json;
use std::path::PathBuf;

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let root = dir.path().join(files[0].0);
    (dir, root)
}

fn load_text(text: &str) -> Result<(Config, Report), Report> {
    let (_dir, root) = folder(&[("config.yaml", text)]);
    load(&root, &|name| match name {
        "KEY" => Some("sk-from-env".to_owned()),
        "SECONDS" => Some("2.5".to_owned()),
        "YES" => Some("True".to_owned()),
        _ => None,
    })
}

fn found(report: &Report, level: Level, key: &str) -> Option<Finding> {
    report
        .findings()
        .iter()
        .find(|f| f.level == level && f.key == key)
        .cloned()
}

#[test]
fn every_recorded_configuration_loads_without_errors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/proxy/configs");
    let copies = tempfile::tempdir().unwrap();
    let env: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("env.json")).unwrap()).unwrap();
    let fill = |text: &str| {
        text.replace("{{MOCK}}", "http://127.0.0.1:9")
            .replace("{{DEAD}}", "http://127.0.0.1:1")
            .replace("{{MASTER}}", "sk-master-1234567890")
    };
    let mut names = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.file_name().unwrap().to_owned();
            let text = fill(&std::fs::read_to_string(&path).unwrap());
            std::fs::write(copies.path().join(&name), text).unwrap();
            names.push(name);
        }
    }
    assert!(names.len() > 20);
    for name in names {
        let path = copies.path().join(&name);
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let variables = env[stem].clone();
        let lookup = |name: &str| variables[name].as_str().map(fill);
        let (config, report) = load(&path, &lookup).unwrap_or_else(|r| panic!("{r}"));
        assert!(!config.model_list.is_empty(), "{stem}");
        assert_eq!(report.count(Level::Unknown), 0, "{report}");
    }
}

#[test]
fn references_are_resolved_anywhere_and_brought_to_their_kind() {
    let (config, report) = load_text(
        r"
environment_variables: {OWN: own-value, COPY: os.environ/KEY}
model_list:
  - model_name: m
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/KEY
      timeout: os.environ/SECONDS
      drop_params: os.environ/YES
      extra_headers: {x-a: os.environ/OWN, x-b: os.environ/COPY}
      tags: [os.environ/OWN]
      api_version: os.environ/MISSING
",
    )
    .unwrap();
    let params = &config.model_list[0].litellm_params;
    let read = |name: &str| params.get::<serde_json::Value>(name);
    assert_eq!(read("api_key"), Some(json!("sk-from-env")));
    assert_eq!(read("timeout"), Some(json!(2.5)));
    assert_eq!(read("drop_params"), Some(json!(true)));
    assert_eq!(
        read("extra_headers"),
        Some(json!({"x-a": "own-value", "x-b": "sk-from-env"}))
    );
    assert_eq!(read("tags"), Some(json!(["own-value"])));
    assert_eq!(read("api_version"), None);
    let warning = found(&report, Level::Warning, "api_version").unwrap();
    assert!(warning.message.contains("`MISSING`"), "{warning}");
    assert_eq!(warning.place.line, 12);
}

#[test]
fn includes_are_found_next_to_their_file_and_merged_as_litellm_does() {
    let (_dir, root) = folder(&[
        (
            "config.yaml",
            "include: [sub/a.yaml]\nmodel_list: [{model_name: one, litellm_params: {model: openai/1}}]\nlitellm_settings: {drop_params: true}\n",
        ),
        (
            "sub/a.yaml",
            "include: [b.yaml, old.yaml]\nlitellm_settings: {num_retries: 4}\nmodel_list: [{model_name: two, litellm_params: {model: openai/2}}]\n",
        ),
        (
            "sub/b.yaml",
            "include: [a.yaml]\nmodel_list: [{model_name: three, litellm_params: {model: openai/3}}]\n",
        ),
        (
            "old.yaml",
            "model_list: [{model_name: four, litellm_params: {model: openai/4}}]\n",
        ),
    ]);
    let (config, report) = load(&root, &|_| None).unwrap();
    let names: Vec<_> = config
        .model_list
        .iter()
        .map(|m| m.model_name.as_str())
        .collect();
    assert_eq!(names, ["one", "two", "three", "four"]);
    assert!(
        !config.litellm.drop_params,
        "an included section replaces the root's"
    );
    assert_eq!(config.litellm.num_retries, Some(4));
    assert_eq!(config.files.len(), 4);
    let warnings: Vec<_> = report
        .findings()
        .iter()
        .filter(|f| f.key == "include" && f.level == Level::Warning)
        .collect();
    assert_eq!(warnings.len(), 2, "{report}");
}

#[test]
fn a_missing_include_is_an_error_with_its_name() {
    let (_dir, root) = folder(&[("config.yaml", "include: [gone.yaml]\n")]);
    let report = load(&root, &|_| None).unwrap_err();
    assert_eq!(&*report.findings()[0].place.file, "gone.yaml");
}

#[test]
fn a_credential_fills_what_the_deployment_leaves_open() {
    let (config, _) = load_text(
        "credential_list: [{credential_name: house, credential_values: {api_key: sk-c, api_base: http://c}}]\n\
         model_list:\n  - model_name: m\n    litellm_params: {model: openai/x, litellm_credential_name: house, api_base: http://own}\n",
    )
    .unwrap();
    let params = &config.model_list[0].litellm_params;
    assert_eq!(params.get::<String>("api_key").unwrap(), "sk-c");
    assert_eq!(params.get::<String>("api_base").unwrap(), "http://own");
}

#[test]
fn router_keys_may_stand_in_litellm_settings_and_router_settings_win() {
    let (config, _) = load_text(
        "litellm_settings: {num_retries: 1, fallbacks: [{a: [b]}], default_fallbacks: [c], allowed_fails: 3}\n\
         router_settings: {num_retries: 0, model_group_alias: {x: a, y: {model: a, hidden: true}}}\n",
    )
    .unwrap();
    assert_eq!(config.router.num_retries, Some(0));
    assert_eq!(config.router.fallbacks[0].group, "a");
    assert_eq!(config.router.default_fallbacks, ["c"]);
    assert_eq!(config.router.allowed_fails, Some(3));
    assert!(config.router.model_group_alias["y"].hidden);
    assert_eq!(config.router.model_group_alias["x"].model, "a");
}

#[test]
fn every_key_that_is_not_obeyed_is_reported_with_its_place_and_the_way_out() {
    let (_, report) = load_text(
        "general_settings:\n  master_kee: sk-secret-value\n  database_url: postgres://u:secret-value@h/d\n  num_retries: 3\n\
         litellm_settings:\n  callbacks: [prometheus, langfuse]\nsomething_else: 1\n",
    )
    .unwrap();
    let typo = found(&report, Level::Unknown, "general_settings.master_kee").unwrap();
    assert_eq!((typo.place.line, typo.place.column), (2, 3));
    assert_eq!(typo.hint.as_deref(), Some("did you mean `master_key`?"));
    assert!(
        found(
            &report,
            Level::NotSupported,
            "general_settings.database_url"
        )
        .is_some()
    );
    let misplaced = found(&report, Level::Unknown, "general_settings.num_retries").unwrap();
    assert_eq!(
        misplaced.hint.as_deref(),
        Some("did you mean `litellm_settings.num_retries`?")
    );
    assert!(found(&report, Level::Approximated, "litellm_settings.callbacks").is_some());
    assert!(found(&report, Level::Unknown, "something_else").is_some());
    let text = format!("{report}\n{}", report.to_json());
    assert!(!text.contains("secret-value"), "{text}");
}

#[test]
fn wrong_kinds_are_errors_that_say_what_is_wanted() {
    let report = load_text(
        "model_list:\n  - model_name: m\n    litellm_params: {model: openai/x, rpm: many}\n  - litellm_params: {model: openai/x}\n\
         router_settings:\n  num_retries: -1\n  fallbacks: [main]\n  retry_policy: {TimeoutErrorRetries: often}\n",
    )
    .unwrap_err();
    for key in [
        "model_list[].litellm_params.rpm",
        "model_list[].model_name",
        "router_settings.num_retries",
        "router_settings.fallbacks",
        "router_settings.retry_policy.TimeoutErrorRetries",
    ] {
        assert!(
            found(&report, Level::Error, key).is_some(),
            "{key}: {report}"
        );
    }
    assert_eq!(report.to_json()["ok"], false);
}

#[test]
fn a_fallback_that_leads_nowhere_is_a_warning() {
    let (_, report) = load_text(
        "model_list: [{model_name: a, litellm_params: {model: openai/x}}]\nrouter_settings: {fallbacks: [{a: [typo]}]}\n",
    )
    .unwrap();
    assert!(found(&report, Level::Warning, "router_settings.fallbacks").is_some());
}

#[test]
fn the_master_key_may_come_from_the_environment() {
    let (_dir, root) = folder(&[(
        "config.yaml",
        "general_settings: {infer_model_from_keys: true}\n",
    )]);
    let key = |name: &str| (name == "LITELLM_MASTER_KEY").then(|| "sk-from-outside".to_owned());
    let (config, _) = load(&root, &key).unwrap();
    assert_eq!(
        config.general.master_key.unwrap().expose(),
        "sk-from-outside"
    );
}

#[test]
fn default_litellm_params_win_over_a_deployments_and_leave_its_id_alone() {
    let model =
        "model_list: [{model_name: m, litellm_params: {model: openai/x, temperature: 1}}]\n";
    let (plain, _) = load_text(model).unwrap();
    let defaults = "router_settings: {default_litellm_params: {temperature: 0.2, model: no}}\n";
    let (config, _) = load_text(&format!("{model}{defaults}")).unwrap();
    let params = &config.model_list[0].litellm_params;
    assert_eq!(params.get::<f64>("temperature"), Some(0.2));
    assert_eq!(params.get::<String>("model").unwrap(), "openai/x");
    assert_eq!(
        config.model_list[0].model_info,
        plain.model_list[0].model_info
    );
}

#[test]
fn what_becomes_of_a_key_may_depend_on_its_value() {
    let (_, report) = load_text(
        "router_settings: {routing_strategy: lar1, enable_pre_call_checks: false}\n\
         litellm_settings: {callbacks: [prometheus]}\ngeneral_settings: {store_model_in_db: true}\n",
    )
    .unwrap();
    assert!(
        found(
            &report,
            Level::Approximated,
            "router_settings.routing_strategy"
        )
        .is_some()
    );
    assert!(
        found(
            &report,
            Level::Exact,
            "router_settings.enable_pre_call_checks"
        )
        .is_some()
    );
    assert!(found(&report, Level::Exact, "litellm_settings.callbacks").is_some());
    let ignored = found(
        &report,
        Level::NotSupported,
        "general_settings.store_model_in_db",
    );
    assert!(ignored.is_some());
}

#[test]
fn a_configuration_may_be_no_file() {
    let text = r#"{"model_list": [{"model_name": "g", "litellm_params": {"model": "openai/x", "api_key": "os.environ/K"}}]}"#;
    let env = |name: &str| (name == "K").then(|| "sk".to_owned());
    let (config, _) = crate::config::load_text(text, "Router", &env).unwrap();
    let key: String = config.model_list[0].litellm_params.get("api_key").unwrap();
    assert_eq!(
        (config.model_list[0].model_name.as_str(), key.as_str()),
        ("g", "sk")
    );
    let report =
        crate::config::load_text(r#"{"include": ["other.yaml"]}"#, "Router", &env).unwrap_err();
    assert!(report.has_errors());
    let report = crate::config::load_text(
        r#"{"model_list": [{"litellm_params": {}}]}"#,
        "Router",
        &env,
    )
    .unwrap_err();
    assert!(report.first_error().unwrap().contains("model_name"));
}
