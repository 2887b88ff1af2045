use super::ntlm::Login;
use super::rpc::{Interface, bind, bind_ack, call, unit};
use super::smb2::{self, command};
use super::{spnego_init, spnego_resp, utf16};
use crate::{Conversation, Dir};
use Dir::{Orig, Resp};
use sekisho_types::Interval;

/// When files were written last: 2023-11-14, in 100 ns since 1601.
const FILETIME: u64 = 133_444_000_000_000_000;

/// A connection to a file server, told request by request.
#[derive(Clone, Debug)]
pub struct Smb {
    c: Conversation,
    id: u64,
    tree: u32,
    trees: u32,
    file: u64,
    call: u32,
}

impl Smb {
    /// Connects and agrees on a version.
    pub fn new(c: Conversation) -> Self {
        let mut s = Self { c, id: 0, tree: 0, trees: 0, file: 0, call: 0 };
        s.exchange(command::NEGOTIATE, &[36, 0, 1, 0, 1, 0, 0, 0], &smb2::dialect());
        s
    }

    fn ask(&mut self, command: u16, body: &[u8]) {
        let message = smb2::message(command, false, 0, self.id, self.tree, body);
        self.c.say(Orig, &message);
    }

    fn tell(&mut self, command: u16, status: u32, body: &[u8]) {
        let message = smb2::message(command, true, status, self.id, self.tree, body);
        self.c.say(Resp, &message);
        self.id += 1;
    }

    fn exchange(&mut self, command: u16, ask: &[u8], tell: &[u8]) {
        self.ask(command, ask);
        self.tell(command, 0, tell);
    }

    /// Lets time pass.
    pub fn wait(mut self, span: Interval) -> Self {
        self.c.pause(span);
        self
    }

    /// The three steps of a login; `status` is the server's verdict.
    pub fn login_with(mut self, login: &Login<'_>, status: u32) -> Self {
        let [negotiate, challenge, authenticate] = login.messages();
        let setup = |token: &[u8]| smb2::placed(&smb2::FIRST_LOGIN, token);
        let answer = |token: &[u8]| smb2::placed(&[9, 0, 0, 0], token);
        self.tree = 0;
        self.ask(command::SESSION_SETUP, &setup(&spnego_init(&negotiate)));
        let challenge = answer(&spnego_resp(Some(1), &challenge));
        self.tell(command::SESSION_SETUP, smb2::MORE_PROCESSING, &challenge);
        self.ask(command::SESSION_SETUP, &setup(&spnego_resp(None, &authenticate)));
        let last = if status == 0 { answer(&spnego_resp(Some(0), b"")) } else { vec![9, 0, 0, 0, 0, 0, 0, 0, 0] };
        self.tell(command::SESSION_SETUP, status, &last);
        self
    }

    /// A login that works.
    pub fn login(self, login: &Login<'_>) -> Self {
        self.login_with(login, 0)
    }

    /// Connects to a share, such as `\\files\office`; `IPC$` is for pipes.
    pub fn share(mut self, path: &str) -> Self {
        self.tree = 0;
        self.ask(command::TREE_CONNECT, &smb2::placed(&[9, 0, 0, 0], &utf16(path)));
        self.trees += 1;
        self.tree = self.trees;
        self.tell(command::TREE_CONNECT, 0, &smb2::tree(if path.ends_with("IPC$") { 2 } else { 1 }));
        self
    }

    fn next_file(&mut self) -> [u8; 16] {
        self.file += 1;
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.file.to_le_bytes());
        key[8..].copy_from_slice(&self.file.to_le_bytes());
        key
    }

    fn open(&mut self, name: &str, size: u64, attributes: u32) -> [u8; 16] {
        let key = self.next_file();
        self.exchange(command::CREATE, &smb2::create(name), &smb2::created(&key, size, FILETIME, attributes));
        key
    }

    fn close(&mut self, file: &[u8; 16]) {
        self.exchange(command::CLOSE, &smb2::close(file), &smb2::closed());
    }

    fn get(&mut self, file: &[u8; 16], content: &[u8]) {
        for (part, i) in content.chunks(PART_LEN).zip(0u64..) {
            let ask = smb2::read(file, i * PART_LEN as u64, part.len() as u32);
            self.exchange(command::READ, &ask, &smb2::data(part));
        }
    }

    fn put(&mut self, file: &[u8; 16], content: &[u8]) {
        for (part, i) in content.chunks(PART_LEN).zip(0u64..) {
            self.exchange(command::WRITE, &smb2::write(file, i * PART_LEN as u64, part), &smb2::written(part.len()));
        }
    }

    /// Opens a file, reads all of it and closes it.
    pub fn read(mut self, name: &str, content: &[u8]) -> Self {
        let file = self.open(name, content.len() as u64, 0);
        self.get(&file, content);
        self.close(&file);
        self
    }

    /// Makes a file, writes all of it and closes it.
    pub fn write(mut self, name: &str, content: &[u8]) -> Self {
        let file = self.next_file();
        self.exchange(command::CREATE, &smb2::create(name), &smb2::made(&file, FILETIME));
        self.put(&file, content);
        self.close(&file);
        self
    }

    /// Reads a file, writes other content over it, and gives it another name, if any.
    pub fn rewrite(mut self, name: &str, before: &[u8], after: &[u8], renamed: Option<&str>) -> Self {
        let file = self.open(name, before.len() as u64, 0);
        self.get(&file, before);
        self.put(&file, after);
        if let Some(renamed) = renamed {
            let ask = smb2::set_info(&file, 10, &smb2::new_name(renamed));
            self.exchange(command::SET_INFO, &ask, &[2, 0]);
        }
        self.close(&file);
        self
    }

    /// Reads and rewrites a file over an encrypted session, of which only sizes are seen: opened, read,
    /// written, closed. `random` stands for what is read, and is as long.
    pub fn sealed_rewrite(mut self, random: &[u8]) -> Self {
        /// Headers of a message, and what comes before the content in a READ's answer and in a WRITE (§2.2.20, §2.2.21).
        const HEAD: usize = 64;
        const DATA: usize = 16;
        const WRITE: usize = 48;
        let len = random.len();
        let filler = [0x6b; 256];
        let asks = [
            (HEAD + 100, HEAD + 88),
            (HEAD + 49, HEAD + DATA + len),
            (HEAD + WRITE + len, HEAD + 16),
            (HEAD + 24, HEAD + 60),
        ];
        for (ask, tell) in asks {
            for (dir, size) in [(Orig, ask), (Resp, tell)] {
                let hidden: Vec<u8> = filler.iter().chain(random).chain(&filler).copied().take(size).collect();
                self.c.say(dir, &smb2::sealed(1, &hidden));
            }
        }
        self
    }

    /// Opens a directory, lists it and closes it.
    pub fn list(mut self, name: &str, entries: &[u8]) -> Self {
        let file = self.open(name, 0, smb2::DIRECTORY);
        self.exchange(command::QUERY_DIRECTORY, &smb2::query_directory(&file), &smb2::listed(entries));
        self.close(&file);
        self
    }

    /// Calls functions of an interface over its pipe; the share is `IPC$`.
    pub fn calls(mut self, interface: Interface, opnums: &[u16]) -> Self {
        let file = self.open(interface.1, 0, 0);
        self.call += 1;
        self.exchange(
            command::WRITE,
            &smb2::write(&file, 0, &unit(11, self.call, &bind(interface), b"")),
            &smb2::written(72),
        );
        let ack = unit(12, self.call, &bind_ack(&format!(r"\PIPE\{}", interface.1)), b"");
        self.exchange(command::READ, &smb2::read(&file, 0, 4096), &smb2::data(&ack));
        for opnum in opnums {
            self.call += 1;
            let ask = smb2::transceive(&file, false, &unit(0, self.call, &call(*opnum, 64), b""));
            let tell = smb2::transceive(&file, true, &unit(2, self.call, &call(0, 32), b""));
            self.exchange(command::IOCTL, &ask, &tell);
        }
        self.close(&file);
        self
    }

    /// The connection so far.
    pub fn done(self) -> Conversation {
        self.c
    }
}

/// Bytes of one read or write.
const PART_LEN: usize = 32_768;

/// A connection to a dynamic port of remote calls.
#[derive(Clone, Debug)]
pub struct Rpc {
    c: Conversation,
    call: u32,
}

impl Rpc {
    /// Binds to an interface, with a login by NTLM if one is given.
    pub fn new(c: Conversation, interface: Interface, login: Option<&Login<'_>>) -> Self {
        let [negotiate, challenge, authenticate] = login.map(Login::messages).unwrap_or_default();
        let mut c = c
            .send(Orig, &unit(11, 1, &bind(interface), &negotiate))
            .send(Resp, &unit(12, 1, &bind_ack("49667"), &challenge));
        if login.is_some() {
            c = c.send(Orig, &unit(16, 1, &[0; 4], &authenticate));
        }
        Self { c, call: 1 }
    }

    /// Calls a function, with so many bytes of arguments and of answer.
    pub fn call(mut self, opnum: u16, ask: usize, tell: usize) -> Self {
        self.call += 1;
        self.c = self
            .c
            .send(Orig, &unit(0, self.call, &call(opnum, ask), b""))
            .send(Resp, &unit(2, self.call, &call(0, tell), b""));
        self
    }

    /// The connection so far.
    pub fn done(self) -> Conversation {
        self.c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CreateAction of the answers to CREATE (MS-SMB2 §2.2.14): 1 is a file that was there, 2 one that was made.
    #[test]
    fn a_server_says_which_files_are_new() {
        let smb = Smb::new(Conversation::new("10.0.0.7:49200", "10.0.0.2:445").syn()).share(r"\\FS\data");
        let mut c =
            smb.read("old.txt", b"old").write("new.txt", b"new").rewrite("old.txt", b"old", b"odd", None).done();
        let answers = c.segments().iter().map(|s| &s.frame.payload).filter(|p| p.get(16..18) == Some(&[5, 0]));
        let actions: Vec<u8> = answers.filter(|p| p[20] == 1).map(|p| p[4 + 64 + 4]).collect();
        assert_eq!(actions, [1, 2, 1]);
    }
}
