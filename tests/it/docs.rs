//! README.md says what the program does.

use tillwise_core::schema::{
    CHURN_METRICS, CHURN_RULES, CLUSTERS, CLUSTER_CHOICE, CLUSTER_DRIFT, CLUSTER_PROFILES, CLUSTER_RULES,
    CLV_CALIBRATION, CLV_DISTRIBUTION, CLV_FORECAST, CLV_MODELS, CLV_PARAMETERS, CLV_TRACKING, RETENTION,
    RFM_BREAKS, SCORES, SEGMENTS, SEGMENT_GROUPS, SEGMENT_HISTORY, SEGMENT_MIGRATION, SUMMARY,
};
use tillwise_pipeline::Config;

const README: &str = include_str!("../../README.md");

#[test]
fn every_published_column_is_explained_in_its_own_words() {
    let tables = [
        SUMMARY,
        SCORES,
        SEGMENTS,
        SEGMENT_MIGRATION,
        SEGMENT_HISTORY,
        SEGMENT_GROUPS,
        RFM_BREAKS,
        CLUSTERS,
        CLUSTER_PROFILES,
        CLUSTER_RULES,
        CLUSTER_CHOICE,
        CLUSTER_DRIFT,
        CHURN_RULES,
        CHURN_METRICS,
        CLV_PARAMETERS,
        CLV_MODELS,
        CLV_CALIBRATION,
        CLV_TRACKING,
        CLV_FORECAST,
        CLV_DISTRIBUTION,
        RETENTION,
    ];
    for column in tables.concat() {
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
