//! As much of JSON Schema as `docs/status.schema.json` uses. Stricter in one thing: what the schema does not name is wrong.

use serde_json::Value;

/// What is wrong with `value`, each with its place.
pub(crate) fn faults(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(kinds) = schema.get("type") {
        let is = |kind: &Value| match kind.as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_u64() || value.is_i64(),
            Some("boolean") => value.is_boolean(),
            Some("null") => value.is_null(),
            _ => false,
        };
        if !kinds.as_array().map_or_else(|| is(kinds), |all| all.iter().any(is)) {
            wrong.push(format!("{at}: {value} is no {kinds}"));
        }
    }
    if schema.get("enum").and_then(Value::as_array).is_some_and(|all| !all.contains(value)) {
        wrong.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        wrong.push(format!("{at}: {value}"));
    }
    if schema
        .get("minimum")
        .and_then(Value::as_i64)
        .is_some_and(|least| value.as_i64().is_some_and(|n| n < least))
    {
        wrong.push(format!("{at}: {value} is too small"));
    }
    for (at_item, item) in value.as_array().into_iter().flatten().enumerate() {
        wrong.extend(faults(&schema["items"], item, &format!("{at}/{at_item}")));
    }
    if let Some(members) = value.as_object() {
        for (key, member) in members {
            let at = format!("{at}/{key}");
            match schema["properties"].get(key) {
                Some(schema) => wrong.extend(faults(schema, member, &at)),
                None => wrong.push(format!("{at} is not in the schema")),
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        wrong.extend(
            required.filter(|key| !members.contains_key(*key)).map(|key| format!("{at}/{key} is missing")),
        );
    }
    wrong
}

/// The published schema.
pub(crate) fn published() -> Value {
    let text = include_str!("../../../docs/status.schema.json");
    serde_json::from_str(text).expect("the schema is JSON")
}
