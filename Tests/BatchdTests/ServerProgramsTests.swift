// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import batchd

@Suite struct ServerProgramsTests {
    private let thirteen = ServerPrograms(directory: "/13", major: 13)
    private let fifteen = ServerPrograms(directory: "/15", major: 15)
    private let sixteen = ServerPrograms(directory: "/16", major: 16)

    @Test func `the newest version is chosen`() throws {
        #expect(try ServerPrograms.choose([fifteen, sixteen, thirteen], wanted: nil, configured: "") == sixteen)
    }

    @Test func `an existing cluster keeps its version`() throws {
        #expect(try ServerPrograms.choose([fifteen, sixteen], wanted: 15, configured: "") == fifteen)
        let error = #expect(throws: PrivateClusterError.self) {
            try ServerPrograms.choose([sixteen], wanted: 15, configured: "")
        }
        #expect(error?.kind == .missing)
        #expect(error?.description.contains("postgresql-15") == true)
    }

    @Test func `too old and missing programs name the package`() {
        let old = #expect(throws: PrivateClusterError.self) {
            try ServerPrograms.choose([thirteen], wanted: nil, configured: "")
        }
        #expect(old?.description.contains("only version 13") == true)
        let none = #expect(throws: PrivateClusterError.self) {
            try ServerPrograms.choose([], wanted: nil, configured: "/opt/pg")
        }
        #expect(none?.description.contains("were not found in /opt/pg") == true)
        #expect(none?.description.contains("apt-get install postgresql") == true)
    }

    @Test(arguments: [
        ("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)", 15), ("postgres (PostgreSQL) 17beta1", 17),
        ("postgres (PostgreSQL) 14.0", 14),
    ])
    func `versions are read`(text: String, major: Int) {
        #expect(ServerPrograms.major(inVersion: text) == major)
    }

    @Test func `an answer that names no version is none`() {
        #expect(ServerPrograms.major(inVersion: "command not found") == nil)
    }

    @Test func `values are quoted for configuration files and libpq`() {
        #expect(ServerConfiguration.quoted(#"/a b'c\d"#) == #"'/a b\'c\\d'"#)
    }

    @Test func `every parent of a directory is looked at, outermost first`() {
        #expect(DirectoryPassage.parents(of: "/a/b/c") == ["/a", "/a/b", "/a/b/c"])
    }
}
