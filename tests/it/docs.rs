//! The manual says what the program does.

use tillwise_pipeline::Config;

const MANUAL: &str = include_str!("../../crates/pipeline/manual.md");

#[test]
fn the_config_shown_is_the_default_one() {
    let from = MANUAL.find("```toml\n").unwrap() + 8;
    let shown = &MANUAL[from..from + MANUAL[from..].find("```").unwrap()];
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
