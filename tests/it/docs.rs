//! The manual says what the program does.

use tillwise_pipeline::{Analysis, Config};

const MANUAL: &str = include_str!("../../crates/pipeline/manual.md");

#[test]
fn the_config_shown_is_the_default_one() {
    let from = MANUAL.find("```toml\n").unwrap() + 8;
    let shown = &MANUAL[from..from + MANUAL[from..].find("```").unwrap()];
    let mut config: Config = toml::from_str(shown).unwrap();
    // Shown with names, for there are no defaults.
    config.columns = Config::default().columns;
    assert_eq!(config, Config::default());

    // The analyses' tables are theirs, word for word.
    let own: Vec<&str> = Analysis::all().map(|a| a.manual).collect();
    let own = own.join("\n");
    assert!(shown.ends_with(&own), "the manual's last tables are to be:\n{own}");
    for analysis in Analysis::all() {
        let proposal = analysis.proposal();
        let lines = proposal.lines().filter(|line| !line.is_empty()).count();
        assert_eq!(lines, 1 + analysis.proposes.len(), "a key is not in the manual: {proposal}");
    }

    // And every key of the defaults is shown, if only in a comment.
    let defaults = toml::Value::try_from(Config::default()).unwrap();
    for (table, keys) in defaults.as_table().unwrap() {
        assert!(shown.contains(&format!("[{table}]")), "[{table}]");
        for key in keys.as_table().unwrap().keys() {
            assert!(shown.contains(&format!("{key} = ")), "[{table}] {key}");
        }
    }
}
