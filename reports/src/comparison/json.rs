//! A comparison as JSON.

use schemars::Schema;

use super::Comparison;

/// Describes the form of a comparison as JSON Schema (draft 2020-12).
#[must_use]
pub fn schema() -> Schema {
    schemars::schema_for!(Comparison)
}

/// Renders the comparison as indented JSON with a newline at the end.
///
/// # Errors
/// None in practice: every type of a comparison has a JSON form.
pub fn render(comparison: &Comparison) -> serde_json::Result<String> {
    serde_json::to_string_pretty(comparison).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::comparison::tests::a_change_of_each_kind;
    use crate::write_whole;

    /// Where people and their tools find the schema. INSTA_UPDATE=always writes it anew, as it does snapshots.
    const SCHEMA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/comparison.schema.json");

    #[test]
    fn the_schema_in_docs_is_that_of_the_types() {
        let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            write_whole(Path::new(SCHEMA_FILE), current.as_bytes()).unwrap();
        }
        assert!(
            std::fs::read_to_string(SCHEMA_FILE).unwrap() == current,
            "write it anew: INSTA_UPDATE=always"
        );
    }

    #[test]
    fn a_comparison_follows_the_schema() {
        let validator = jsonschema::validator_for(schema().as_value()).unwrap();
        let comparison = a_change_of_each_kind();
        let value: serde_json::Value = serde_json::from_str(&render(&comparison).unwrap()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
        assert!(!validator.is_valid(&serde_json::json!({ "schema": super::super::SCHEMA })));
    }
}
