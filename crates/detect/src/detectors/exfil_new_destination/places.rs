//! Places that take what anybody sends, and places to which much is sent for harmless reasons, by the ends of their names.

/// What a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    /// Keeps or passes on files of private persons, or code.
    Storage,
    /// Keeps texts for whoever has the link.
    Paste,
    /// Measures the speed of a line, or takes videos and calls.
    Harmless,
}

use Category::{Harmless, Paste, Storage};

/// Ends of names, from public documentation of the services; looked through on 2026-11-22.
const PLACES: &[(&str, Category)] = &[
    // Storage.
    ("dropbox.com", Storage),
    ("dropboxapi.com", Storage),
    ("dropboxusercontent.com", Storage),
    ("mega.nz", Storage),
    ("mega.co.nz", Storage),
    ("mega.io", Storage),
    ("drive.google.com", Storage),
    ("drive.usercontent.google.com", Storage),
    ("onedrive.live.com", Storage),
    ("storage.live.com", Storage),
    ("box.com", Storage),
    ("boxcloud.com", Storage),
    ("pcloud.com", Storage),
    ("mediafire.com", Storage),
    ("4shared.com", Storage),
    ("icedrive.net", Storage),
    ("sync.com", Storage),
    ("degoo.com", Storage),
    ("terabox.com", Storage),
    ("1fichier.com", Storage),
    ("uptobox.com", Storage),
    ("rapidgator.net", Storage),
    ("disk.yandex.com", Storage),
    ("disk.yandex.ru", Storage),
    ("cloud.mail.ru", Storage),
    ("pan.baidu.com", Storage),
    ("proton.me", Storage),
    ("backblazeb2.com", Storage),
    ("wasabisys.com", Storage),
    // Transfer.
    ("wetransfer.com", Storage),
    ("wetransfer.net", Storage),
    ("transfer.sh", Storage),
    ("file.io", Storage),
    ("gofile.io", Storage),
    ("anonfiles.com", Storage),
    ("bayfiles.com", Storage),
    ("ufile.io", Storage),
    ("sendspace.com", Storage),
    ("send.vis.ee", Storage),
    ("filetransfer.io", Storage),
    ("temp.sh", Storage),
    ("tmpfiles.org", Storage),
    ("catbox.moe", Storage),
    ("pixeldrain.com", Storage),
    ("easyupload.io", Storage),
    ("smash.com", Storage),
    ("swisstransfer.com", Storage),
    ("0x0.st", Storage),
    ("discordapp.com", Storage),
    ("cdn.discordapp.com", Storage),
    ("api.telegram.org", Storage),
    // Code.
    ("github.com", Storage),
    ("gitlab.com", Storage),
    ("bitbucket.org", Storage),
    ("codeberg.org", Storage),
    ("sourceforge.net", Storage),
    // Texts.
    ("pastebin.com", Paste),
    ("paste.ee", Paste),
    ("ghostbin.com", Paste),
    ("hastebin.com", Paste),
    ("toptal.com", Paste),
    ("rentry.co", Paste),
    ("dpaste.org", Paste),
    ("dpaste.com", Paste),
    ("justpaste.it", Paste),
    ("controlc.com", Paste),
    ("privatebin.net", Paste),
    ("paste.rs", Paste),
    ("ix.io", Paste),
    ("sprunge.us", Paste),
    ("termbin.com", Paste),
    ("gist.github.com", Paste),
    ("pastes.io", Paste),
    // Speed of lines.
    ("speedtest.net", Harmless),
    ("ookla.com", Harmless),
    ("ooklaserver.net", Harmless),
    ("cdnst.net", Harmless),
    ("fast.com", Harmless),
    ("oca.nflxvideo.net", Harmless),
    ("nperf.com", Harmless),
    ("nperf.net", Harmless),
    ("speed.cloudflare.com", Harmless),
    ("measurementlab.net", Harmless),
    ("measurement-lab.org", Harmless),
    ("speedof.me", Harmless),
    ("librespeed.org", Harmless),
    ("testmy.net", Harmless),
    ("breitbandmessung.de", Harmless),
    // Videos and calls.
    ("upload.youtube.com", Harmless),
    ("rtmp.youtube.com", Harmless),
    ("rtmps.youtube.com", Harmless),
    ("live-video.net", Harmless),
    ("twitch.tv", Harmless),
    ("vimeo.com", Harmless),
    ("zoom.us", Harmless),
    ("teams.microsoft.com", Harmless),
    ("meet.google.com", Harmless),
    ("webex.com", Harmless),
];

/// What the place of that name is for, by the longest end that is known.
pub(super) fn category(name: &str) -> Option<Category> {
    let name = name.trim_end_matches('.');
    let is_below = |end: &str| {
        let front = name.len().checked_sub(end.len()).and_then(|n| Some((name.get(..n)?, name.get(n..)?)));
        front.is_some_and(|(front, tail)| tail.eq_ignore_ascii_case(end) && (front.is_empty() || front.ends_with('.')))
    };
    let known = PLACES.iter().filter(|(end, _)| is_below(end));
    known.max_by_key(|(end, _)| end.len()).map(|(_, category)| *category)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_their_ends() {
        for (name, found) in [
            ("api.Dropboxapi.com", Some(Storage)),
            ("mega.nz.", Some(Storage)),
            ("gist.github.com", Some(Paste)),
            ("github.com", Some(Storage)),
            ("notgithub.com", None),
            ("google.com", None),
            ("server7.ooklaserver.net", Some(Harmless)),
            ("", None),
            ("ü.com", None),
        ] {
            assert_eq!(category(name), found, "{name}");
        }
    }
}
