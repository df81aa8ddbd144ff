//! A folder, the binary, and what came out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tillwise_simulate::{write_shop, Shop};
use tillwise_table::Table;

/// A folder of its own for one test.
pub struct Scene {
    folder: tempfile::TempDir,
}

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Scene {
    pub fn new() -> Scene {
        Scene { folder: tempfile::tempdir().unwrap() }
    }

    /// With the export of a small simulated shop in `orders.csv`.
    pub fn with_shop(shop: &Shop) -> Scene {
        let scene = Scene::new();
        let mut text = Vec::new();
        write_shop(shop, &mut text).unwrap();
        scene.write("orders.csv", &text);
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn tillwise(&self, args: &[&str]) -> Ended {
        self.tillwise_with(args, &[])
    }

    /// The same, with variables in its environment.
    pub fn tillwise_with(&self, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let output: Output = assert_cmd::Command::cargo_bin("tillwise")
            .unwrap()
            .args(args)
            .envs(env.iter().copied())
            .current_dir(self.folder.path())
            .env("TILLWISE_LOG", "off")
            .output()
            .unwrap();
        let page = fs::read_to_string(self.path("out/current/report.html")).unwrap_or_default();
        for text in [&String::from_utf8_lossy(&output.stdout).into_owned(), &page] {
            assert_eq!(no_number(text), None, "a figure that is none is shown");
        }
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            // The folder is another one each time.
            stderr: String::from_utf8(output.stderr)
                .unwrap()
                .replace(&format!("{}/", self.folder.path().display()), ""),
        }
    }

    /// Runs a command that must end with 0; the JSON of its last line.
    pub fn done(&self, args: &[&str]) -> Value {
        let ended = self.tillwise(args);
        assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
        serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap()
    }

    pub fn table(&self, name: &str) -> Table {
        Table::read(&self.path(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }
}

/// The first line with a figure that is no number.
fn no_number(text: &str) -> Option<&str> {
    let is_none = |word: &str| ["NaN", "inf", "-inf", "+inf", "None", "null"].contains(&word);
    let words = |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '+').any(is_none);
    // The JSON of the last line says null where there is nothing.
    text.lines().filter(|line| !line.starts_with('{')).find(|line| words(line))
}

/// Asserts that two tables hold the same values; where they come from may differ.
pub fn assert_same(a: &Table, b: &Table) {
    for (i, field) in a.batch().schema().fields().iter().enumerate() {
        assert!(a.batch().column(i) == b.batch().column(i), "{} differs", field.name());
    }
    assert_eq!(a.batch().num_columns(), b.batch().num_columns());
}

/// A public data set, or `None` (said on stderr) where it is not to be had.
pub fn dataset(name: &str) -> Option<PathBuf> {
    let found =
        std::env::var_os("TILLWISE_DATASETS").map(|d| Path::new(&d).join(name)).filter(|p| p.exists());
    if found.is_none() {
        assert!(
            std::env::var_os("TILLWISE_REQUIRE_DATASETS").is_none(),
            "{name} is missing from TILLWISE_DATASETS"
        );
        eprintln!("skipped: {name} is not in TILLWISE_DATASETS");
    }
    found
}

/// Every file of a folder with its content, but for the record's wall-clock times.
pub fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else if !path.ends_with("run.json") {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                files.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    let mut files = Vec::new();
    walk(folder, folder, &mut files);
    files.sort();
    files
}
