//! `#[derive(Record)]`: the schema and the visitor from one struct.
//!
//! On the struct: `#[record(log = "http")]` makes it a record; without it the struct is a group of
//! columns to be flattened into others. On fields: `name = "id.orig_h"` (else the field's own name),
//! `flatten`, `skip`, `ext` (a column that Zeek's log does not have). Doc comments become the docs.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Expr, Fields, Lit, LitStr, Meta, parse_macro_input};

/// See the crate's documentation.
#[proc_macro_derive(Record, attributes(record))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

#[derive(Default)]
struct Options {
    log: Option<String>,
    name: Option<String>,
    flatten: bool,
    skip: bool,
    ext: bool,
}

fn options(attrs: &[Attribute]) -> syn::Result<Options> {
    let mut o = Options::default();
    for attr in attrs.iter().filter(|a| a.path().is_ident("record")) {
        attr.parse_nested_meta(|meta| {
            let text = || Ok::<_, Error>(meta.value()?.parse::<LitStr>()?.value());
            match meta.path.get_ident().map(ToString::to_string).as_deref() {
                Some("log") => o.log = Some(text()?),
                Some("name") => o.name = Some(text()?),
                Some("flatten") => o.flatten = true,
                Some("skip") => o.skip = true,
                Some("ext") => o.ext = true,
                _ => return Err(meta.error("expected log, name, flatten, skip or ext")),
            }
            Ok(())
        })?;
    }
    Ok(o)
}

/// The doc comment as one line.
fn docs(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|a| match &a.meta {
        Meta::NameValue(nv) if nv.path.is_ident("doc") => match &nv.value {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Str(s) => Some(s.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    lines.filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ")
}

fn expand(input: &DeriveInput) -> syn::Result<Tokens> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "Record is for structs"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(&input.ident, "Record needs named fields"));
    };
    let ty = &input.ident;
    let (mut describe, mut put) = (Vec::new(), Vec::new());
    // What comes before a column: the struct's own columns, and groups.
    let (mut own, mut groups) = (0usize, Vec::new());
    for field in &fields.named {
        let o = options(&field.attrs)?;
        let (ident, fty) = (&field.ident, &field.ty);
        if o.skip {
            continue;
        }
        if o.flatten {
            describe.push(quote!(<#fty as sekisho_record::Fields>::describe(out);));
            put.push(quote!(sekisho_record::Fields::put(&self.#ident, &mut to[#own #(+ #groups)*..]);));
            groups.push(quote!(<#fty as sekisho_record::Fields>::COUNT));
            continue;
        }
        let doc = docs(&field.attrs);
        if doc.is_empty() {
            return Err(Error::new_spanned(field, "a column needs a doc sentence"));
        }
        let name = o.name.unwrap_or_else(|| {
            ident.as_ref().map_or_else(String::new, |i| i.to_string().trim_start_matches("r#").to_owned())
        });
        let ext = o.ext;
        describe.push(quote!(out.push(sekisho_record::Field {
            name: #name,
            kind: <#fty as sekisho_record::ToValue>::KIND,
            doc: #doc,
            ext: #ext,
        });));
        put.push(quote!(to[#own #(+ #groups)*] = sekisho_record::ToValue::to_value(&self.#ident);));
        own += 1;
    }
    let record = match options(&input.attrs)?.log {
        None => quote!(),
        Some(log) => {
            let doc = docs(&input.attrs);
            quote! {
                impl sekisho_record::Record for #ty {
                    fn visit(&self, v: &mut dyn sekisho_record::Visitor) {
                        let mut values = [sekisho_record::Value::Unset; <Self as sekisho_record::Fields>::COUNT];
                        sekisho_record::Fields::put(self, &mut values);
                        v.values(&values);
                    }

                    fn schema(&self) -> &'static sekisho_record::Schema {
                        <Self as sekisho_record::Record>::static_schema()
                    }

                    fn static_schema() -> &'static sekisho_record::Schema {
                        static SCHEMA: ::std::sync::OnceLock<sekisho_record::Schema> = ::std::sync::OnceLock::new();
                        SCHEMA.get_or_init(|| {
                            let mut fields = ::std::vec::Vec::new();
                            <Self as sekisho_record::Fields>::describe(&mut fields);
                            sekisho_record::Schema { log: #log, doc: #doc, fields }
                        })
                    }
                }
            }
        }
    };
    Ok(quote! {
        impl sekisho_record::Fields for #ty {
            const COUNT: usize = #own #(+ #groups)*;

            fn describe(out: &mut ::std::vec::Vec<sekisho_record::Field>) {
                #(#describe)*
            }

            #[inline]
            fn put<'a>(&'a self, to: &mut [sekisho_record::Value<'a>]) {
                // An array of known length: no place needs a check of its own.
                const COUNT: usize = <#ty as sekisho_record::Fields>::COUNT;
                if let ::std::option::Option::Some(to) = to.first_chunk_mut::<COUNT>() {
                    #(#put)*
                }
            }
        }
        #record
    })
}
