//! README.md says what the program does.

use tillwise_core::schema::{CHURN_METRICS, CHURN_RULES, CLUSTERS, SCORES, SEGMENTS, SUMMARY};
use tillwise_pipeline::Config;

const README: &str = include_str!("../../README.md");

#[test]
fn every_published_column_is_explained_in_its_own_words() {
    for column in [SUMMARY, SCORES, SEGMENTS, CLUSTERS, CHURN_RULES, CHURN_METRICS].concat() {
        let row = README
            .lines()
            .any(|l| l.starts_with(&format!("| `{}` |", column.name)) && l.contains(column.doc));
        assert!(row, "{} is not explained in README.md", column.name);
    }
}

#[test]
fn the_config_shown_is_the_default_one() {
    let from = README.find("```toml\n").unwrap() + 8;
    let shown = &README[from..from + README[from..].find("```").unwrap()];
    let mut config: Config = toml::from_str(shown).unwrap();
    // Shown with names, for there are no defaults.
    config.columns = Config::default().columns;
    assert_eq!(config, Config::default());

    // And every key of the defaults is shown, if only in a comment.
    let defaults = toml::Value::try_from(Config::default()).unwrap();
    for (table, keys) in defaults.as_table().unwrap() {
        assert!(shown.contains(&format!("[{table}]")), "[{table}]");
        for key in keys.as_table().unwrap().keys() {
            assert!(shown.contains(&format!("{key} = ")), "[{table}] {key}");
        }
    }
}
