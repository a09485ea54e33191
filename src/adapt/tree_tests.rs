#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z\\\\\"\n\u{1}é]{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..24)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_tree_reads_and_writes_what_serde_json_does(value in json()) {
        // Some numbers lose a digit when they are read; both readers are to lose the same one.
        let text = value.to_string();
        let value: Value = serde_json::from_str(&text).unwrap();
        let tree = Tree::read(text.as_bytes()).unwrap();
        prop_assert_eq!(&Value::from(&tree), &value);
        prop_assert_eq!(&Value::from(&tree.lent()), &value);
        prop_assert_eq!(&Value::from(&Tree::from(value.clone())), &value);
        prop_assert_eq!(tree.to_json(), serde_json::to_vec(&value).unwrap());
    }
}

#[test]
fn of_a_repeated_name_the_last_value_stands_in_the_first_place() {
    let many: Vec<String> = (0..40).map(|i| format!("\"m{i}\":0")).collect();
    let many = many.join(",");
    for (text, expected) in [
        (
            r#"{"a":1,"b":2,"\u0061":3}"#.to_owned(),
            r#"{"a":3,"b":2}"#.to_owned(),
        ),
        (
            format!("{{{many},\"m7\":1}}"),
            format!("{{{}}}", many.replace("\"m7\":0", "\"m7\":1")),
        ),
    ] {
        let tree = Tree::read(text.as_bytes()).unwrap();
        assert_eq!(tree.to_json(), expected.into_bytes());
    }
}

#[test]
fn texts_without_escapes_are_slices_of_what_was_read() {
    let body = br#"{"plain":"text","escaped":"a\nb"}"#;
    let tree = Tree::read(body).unwrap();
    assert!(matches!(&tree["plain"], Tree::Text(Cow::Borrowed("text"))));
    assert!(matches!(&tree["escaped"], Tree::Text(Cow::Owned(text)) if text == "a\nb"));
}

#[test]
fn raw_json_is_checked_and_written_as_it_came() {
    let raw = Tree::raw(r#" {"a" : 1.0 } "#).unwrap();
    assert_eq!(raw.to_json(), r#"{"a" : 1.0 }"#.as_bytes());
    assert_eq!(Value::from(&raw), json!({"a": 1.0}));
    assert_eq!(Tree::raw("{\"a\": 1} x"), None);
    assert_eq!(Tree::raw("{'a': 1}"), None);
}

#[test]
fn a_missing_member_is_null_and_a_set_one_keeps_its_place() {
    let mut tree = tree!({"a": "x", "b": true});
    assert!(tree["c"]["d"].is_null());
    tree.set("a", 5u64);
    tree.set("c", Tree::Null);
    assert_eq!(tree.to_json(), r#"{"a":5,"b":true,"c":null}"#.as_bytes());
    let Tree::Object(members) = &mut tree else {
        panic!("no object")
    };
    assert_eq!(members.remove("b"), Some(Tree::Bool(true)));
    assert!(!members.contains("b"));
}
