use sekisho_record::{Head, Record, Tail, Text};

/// One request of a PostgreSQL connection and what the server said to it.
#[derive(Clone, Debug, Record)]
#[record(log = "postgresql")]
pub struct PostgresqlRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// User named at startup.
    pub user: Option<Text>,
    /// Database named at startup.
    pub database: Option<Text>,
    /// Program named at startup.
    pub application_name: Option<Text>,
    /// The request: `ssl_request`, `startup`, `simple_query`, `extended_query`, `terminate` and so on.
    pub frontend: Option<&'static str>,
    /// Its argument: the statement of a query.
    pub frontend_arg: Option<Text>,
    /// The kinds of answer, in order.
    pub backend: Option<Text>,
    /// What the answers say: methods of authentication, error fields, notices.
    pub backend_arg: Option<Text>,
    /// Was the login or query successful?
    pub success: Option<bool>,
    /// Rows returned.
    pub rows: Option<u64>,
    /// SQLSTATE of the error.
    #[record(ext)]
    pub error_code: Option<Text>,
    /// What was done and to how many rows, e.g. `INSERT 0 1`: of the last statement of the request.
    #[record(ext)]
    pub command_tag: Option<Text>,
    /// Version that the server tells after the login.
    #[record(ext)]
    pub server_version: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
