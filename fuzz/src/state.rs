//! State files, damaged and with a digest that fits what was changed.

use sekisho_detect::{Detection, History, Scope};
use sekisho_types::seeded_hash;

/// Bytes as a state file, and as all of one but its digest.
pub fn state(data: &[u8]) {
    let _ = History::read(data);
    let mut bytes = data.to_vec();
    if bytes.last() != Some(&b'\n') {
        bytes.push(b'\n');
    }
    let digest = format!("{:016x}\n", seeded_hash(0, &bytes));
    bytes.extend_from_slice(digest.as_bytes());
    let Ok(read) = History::read(&bytes) else { return };
    assert_eq!(History::read(&read.bytes()).as_ref(), Ok(&read), "what was read is written and read again");
    let scope = Scope::new(&[], read.seed());
    let mut detection = Detection::new(&scope);
    if detection.carry(&read).is_err() {
        return;
    }
    // What was taken over stays as it is.
    let once = detection.history();
    let mut again = Detection::new(&scope);
    assert_eq!(again.carry(&once), Ok(()));
    assert!(once.count() <= read.count());
    // Unless some were doubles, or too old beside the others.
    if once.count() == read.count() {
        assert_eq!(again.history(), once);
    }
    detection.finish();
}
