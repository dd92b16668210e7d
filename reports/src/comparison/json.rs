//! A comparison, and the changes of a series, as JSON.

use schemars::Schema;

use super::{Comparison, Since};

/// Describes the form of a comparison as JSON Schema (draft 2020-12).
#[must_use]
pub fn schema() -> Schema {
    schemars::schema_for!(Comparison)
}

/// Describes the form of the changes of a series as JSON Schema (draft 2020-12).
#[must_use]
pub fn schema_of_since() -> Schema {
    schemars::schema_for!(Since)
}

/// Renders the comparison as indented JSON with a newline at the end.
///
/// # Errors
/// None in practice: every type of a comparison has a JSON form.
pub fn render(comparison: &Comparison) -> serde_json::Result<String> {
    serde_json::to_string_pretty(comparison).map(|text| text + "\n")
}

/// Renders the changes of a series as indented JSON with a newline at the end.
///
/// # Errors
/// None in practice, as for [`render`].
pub fn render_since(since: &Since) -> serde_json::Result<String> {
    serde_json::to_string_pretty(since).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::comparison::tests::{a_change_in_the_second_of_three, a_change_of_each_kind};
    use crate::write_whole;

    /// Where people and their tools find the schemas. INSTA_UPDATE=always writes them anew, as it does snapshots.
    const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

    #[test]
    fn the_schemas_in_docs_are_those_of_the_types() {
        for (file, schema) in [("comparison", schema()), ("since", schema_of_since())] {
            let file = Path::new(DOCS).join(format!("{file}.schema.json"));
            let current = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
                write_whole(&file, current.as_bytes()).unwrap();
            }
            assert!(
                std::fs::read_to_string(&file).unwrap() == current,
                "write {} anew: INSTA_UPDATE=always",
                file.display()
            );
        }
    }

    /// Holds what was rendered against its schema, which is not to fit another form.
    fn assert_follows(schema: &Schema, rendered: &str, form: &str) {
        let validator = jsonschema::validator_for(schema.as_value()).unwrap();
        let value: serde_json::Value = serde_json::from_str(rendered).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
        assert!(!validator.is_valid(&serde_json::json!({ "schema": form })));
        let mut other = value;
        other["schema"] = "nspawn-matrix/other/1".into();
        assert!(!validator.is_valid(&other));
    }

    #[test]
    fn a_comparison_follows_the_schema() {
        assert_follows(&schema(), &render(&a_change_of_each_kind()).unwrap(), crate::comparison::SCHEMA);
    }

    #[test]
    fn the_changes_of_a_series_follow_their_schema() {
        let since = a_change_in_the_second_of_three();
        assert!(!since.changes.is_empty());
        assert_follows(&schema_of_since(), &render_since(&since).unwrap(), &since.schema);
    }
}
