//! Funnels, channels and campaigns as a user meets them: what is found and not found, and input that is none.

use serde_json::Value;

use crate::columns::{campaign_export, leads_export, touches_export};
use crate::support::Scene;

fn failed(scene: &Scene, args: &[&str], said: &str) {
    let ended = scene.tillwise(args);
    assert_eq!(ended.code, 2, "{args:?}: {}", ended.stderr);
    assert!(ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
}

fn line(scene: &Scene, args: &[&str]) -> (String, Value) {
    let ended = scene.tillwise(args);
    assert_eq!(ended.code, 0, "{args:?}: {}", ended.stderr);
    let line = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    (ended.stdout, line)
}

#[test]
fn logs_that_are_none_are_said_to_be_none() {
    let scene = Scene::new();
    scene.write("leads.csv", leads_export());
    let funnel = ["funnel", "leads.csv", "--id", "who", "--time", "at", "--stage", "what"];
    failed(
        &scene,
        &funnel,
        "no line is of the stages awareness, interest, desire, action; there are `visit`",
    );
    failed(
        &scene,
        &["funnel", "leads.csv"],
        "there is no column `id`; there are who, at, what, source, place",
    );
    failed(&scene, &[&funnel[..], &["--stages", "visit"]].concat(), "--stages: two stages or more");
    failed(&scene, &[&funnel[..], &["--stages", "visit,deal,Visit"]].concat(), "each once");
    // A stage that never occurs, in other letters.
    let (text, _) = line(&scene, &[&funnel[..], &["--stages", "VISIT,offer,phone,deal"]].concat());
    assert!(text.contains("unknown_stage"), "{text}");
    let (text, found) = line(&scene, &[&funnel[..], &["--stages", "visit,offer,talk,deal,thanks"]].concat());
    assert!(text.contains("nobody reached thanks"), "{text}");
    assert_eq!(found["rejected"], 4);
    // Nothing later than the end is seen.
    let until = [&funnel[..], &["--stages", "visit,offer,talk,deal", "--until", "2022-01-20"]].concat();
    let (text, until) = line(&scene, &until);
    assert!(until["events"].as_u64() < found["events"].as_u64() && text.contains("after_the_end"), "{text}");
    // Rows in are rows out.
    let record = scene.json("out/funnel/run.json");
    assert_eq!(
        record["report"]["rows"],
        record["report"]["events"].as_u64().unwrap() + record["report"]["rejected"].as_u64().unwrap()
    );
    let strict = [&funnel[..], &["--stages", "visit,offer,talk,deal", "--policy", "strict"]].concat();
    assert!(line(&scene, &strict).0.contains("a stage counts after the one before it"));

    scene.write("touches.csv", touches_export());
    failed(&scene, &["channels", "touches.csv", "--order", "sale"], "there is no column `sale`");
    failed(&scene, &["channels", "touches.csv", "--window", "0"], "--window: must be within 0 to 36500 days");
    scene.write("none.csv", "id,time,channel,order\na,2024-01-01,ads,\nb,2024-01-02,mail,0\n");
    let (text, found) = line(&scene, &["channels", "none.csv"]);
    assert!(text.contains("no line is an order") && found["orders"] == 0, "{text}");
    scene.write(
        "odd.csv",
        "id,time,channel,order,worth\na,2024-01-01,ads,yes,12\nb,2024-01-02,mail,yes,much\nc,2024-01-03,,,\n",
    );
    let (text, found) = line(&scene, &["channels", "odd.csv", "--value", "worth"]);
    assert!(
        text.contains("bad_value 1") && text.contains("missing_channel 1") && found["orders"] == 1,
        "{text}"
    );
    let many: String = (0..600).map(|i| format!("a,2024-01-01,c{i},\n")).collect();
    scene.write("many.csv", format!("id,time,channel,order\n{many}"));
    failed(&scene, &["channels", "many.csv"], "more than 500 different values");
}

#[test]
fn a_campaign_is_told_and_noise_is_not_ranked() {
    let scene = Scene::new();
    scene.write("campaign.csv", campaign_export());
    let args = ["campaign", "campaign.csv", "--treatment", "contacted", "--outcome", "spent", "--id", "who"];
    let (text, found) = line(&scene, &args);
    assert!(text.contains("ranks them beyond chance") && found["learner"].is_string(), "{text}");
    let (low, high) = (found["lift_low"].as_f64().unwrap(), found["lift_high"].as_f64().unwrap());
    assert!(low < 6.0 && 6.0 < high, "half of the people spend 12 more: {low} to {high}");
    // The same people, and a contact that does nothing to anybody.
    let mut shuffled = String::new();
    for (i, row) in campaign_export().lines().enumerate() {
        let mut cells: Vec<&str> = row.split(',').collect();
        if i > 0 {
            cells[4] = if (i * 7919) % 100 < 40 { "yes" } else { "no" };
        }
        shuffled.push_str(&(cells.join(",") + "\n"));
    }
    scene.write("shuffled.csv", shuffled);
    let nothing =
        ["campaign", "shuffled.csv", "--treatment", "contacted", "--outcome", "spent", "--id", "who"];
    let (text, found) = line(&scene, &nothing);
    assert!(text.contains("nobody to single out") && found["learner"].is_null(), "{text}");
    let people = scene.table("out/campaign_people.parquet");
    assert!(people.f64s("uplift").unwrap().iter().all(|u| u.is_nan()), "noise is not ranked");
    assert_eq!(scene.table("out/campaign_tenths.parquet").rows(), 0);
    // A budget of nothing is nobody.
    let none = [&args[..], &["--cost", "1", "--budget", "0", "--out", "none"]].concat();
    assert!(line(&scene, &none).0.contains("a contact pays for 0 people"));
    // The same bytes on one thread.
    let both = ["1", "2"].map(|threads| {
        let out = format!("threads{threads}");
        line(&scene, &[&args[..], &["--threads", threads, "--out", &out]].concat());
        std::fs::read(scene.path(&format!("{out}/campaign_people.parquet"))).unwrap()
    });
    assert!(both[0] == both[1]);
}

#[test]
fn campaigns_that_cannot_be_judged_are_said_to_be_so() {
    let scene = Scene::new();
    let write = |name: &str, row: &dyn Fn(usize) -> String| {
        let rows: String = (0..600).map(|i| row(i) + "\n").collect();
        scene.write(name, format!("t,y,x,city\n{rows}"));
    };
    let args = |name| ["campaign", name, "--treatment", "t", "--outcome", "y"];
    write("all.csv", &|i| format!("1,{},{},a", i % 2, i % 7));
    failed(&scene, &args("all.csv"), "nobody was left alone");
    write("none.csv", &|i| format!("0,{},{},a", i % 2, i % 7));
    failed(&scene, &args("none.csv"), "nobody was contacted");
    write("dull.csv", &|i| format!("{},0,{},a", i % 2, i % 7));
    failed(&scene, &args("dull.csv"), "`y` is the same for everybody");
    write("mail.csv", &|i| format!("{},{},{},a", ["mens", "womens", "nothing"][i % 3], i % 2, i % 7));
    failed(&scene, &args("mail.csv"), "name it with --contacted");
    line(&scene, &[&args("mail.csv")[..], &["--contacted", "mens"]].concat());
    write("blank.csv", &|i| format!("{},{},{},a", if i == 9 { "" } else { "1" }, i % 2, i % 7));
    failed(&scene, &args("blank.csv"), "1 rows have no `t`");
    write("words.csv", &|i| format!("{},{},{},a", i % 2, if i == 5 { "many" } else { "3" }, i % 7));
    failed(&scene, &args("words.csv"), "`many` in `y` is not a number");
    scene.write("twice.csv", "t,y,id\n1,1,a\n0,0,b\n1,0,a\n");
    failed(
        &scene,
        &[&args("twice.csv")[..], &["--id", "id"]].concat(),
        "two ids are `a`; each must be its own",
    );
    // Chance did not decide: whoever is large was contacted.
    write("picked.csv", &|i| format!("{},{},{},a", u8::from(i % 10 > 4), (i * 7) % 3 % 2, i % 10));
    let (text, _) = line(&scene, &args("picked.csv"));
    assert!(text.contains("those contacted are others than those left alone"), "{text}");
    // A category of as many values as there are people is an id, and is left out aloud.
    write("city.csv", &|i| format!("{},{},{},city{i}", i % 2, (i * 7) % 5 % 2, i % 7));
    let (text, _) = line(&scene, &args("city.csv"));
    assert!(text.contains("`city`"), "{text}");
    // Too few to rank anybody.
    scene.write("few.csv", "t,y,x\n1,1,2\n0,0,3\n1,0,2\n0,1,4\n");
    let (text, found) = line(&scene, &args("few.csv"));
    assert!(text.contains("learners need 200") && found["people"] == 4, "{text}");
}
