//! What belongs together across address pairs is one row, however flows are dealt.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Budget, MIN_LEN, Settings, Worker};
use sekisho_files::NoStore;
use sekisho_record::{Record, Value, for_each};

/// The columns of dhcp rows that don't depend on the seed.
fn dhcp(seed: u64, budget: Budget) -> Vec<String> {
    let all = sekisho_testkit::stored_captures(&["goldens"]);
    let path = all.iter().find(|p| p.ends_with("dhcp/exchanges.pcap")).expect("a golden");
    let mut settings = Settings { budget, ..Settings::default() };
    settings.flow.seed = seed;
    let mut worker = Worker::new(settings);
    let mut captures = Captures::open(&[path]).expect("opens");
    let (mut batch, mut out) = (Batch::new(), Vec::new());
    let mut rows = |r: &dyn Record| {
        if r.schema().log == "dhcp" {
            let mut text = String::new();
            for_each(r, &mut |field, value| match (field.name, value) {
                ("uids", Value::List(uids)) => text.push_str(&format!("{} flows ", uids.len())),
                (name, value) => text.push_str(&format!("{name}={value:?} ")),
            });
            out.push(text);
        }
    };
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    out
}

#[test]
fn an_exchange_in_many_flows_is_one_row() {
    let want = dhcp(0, Budget::default());
    assert!(want.len() > 5 && want[0].contains("4 flows"), "{want:?}");
    for seed in 1..6 {
        assert_eq!(dhcp(seed, Budget::default()), want, "seed {seed}");
    }
    assert_eq!(dhcp(0, Budget::new(MIN_LEN).expect("enough")), want, "another number of parts");
}
