// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Amqp

@Suite struct AmqpURLTests {
    @Test func `all parts are read and percent-decoded`() throws {
        let url = try AmqpURL("amqps://us%20er:p%40s%2Fs%3A%C3%BC@broker.example:5999/my%2Fvhost")
        #expect(url.isEncrypted && url.host == "broker.example" && url.port == 5999)
        #expect(url.user == "us er" && url.password == "p@s/s:ü" && url.vhost == "my/vhost")
        let plain = try AmqpURL("AMQP://u:a:b@[::1]/v?heartbeat=7&connection_timeout=1500&cacertfile=%2Fca.pem")
        #expect(!plain.isEncrypted && plain.host == "::1" && plain.port == 5672 && plain.address == "[::1]:5672")
        #expect(plain.password == "a:b" && plain.heartbeat == .seconds(7) && plain.authorities == "/ca.pem")
        #expect(plain.connectTimeout == .milliseconds(1500))
        let keyed = try AmqpURL("amqps://h?certfile=c&keyfile=k")
        #expect(keyed.certificate?.chain == "c" && keyed.certificate?.key == "k" && keyed.port == 5671)
    }

    @Test(arguments: [
        "amqp://localhost", "amqp://localhost/", "amqp://localhost/%2F", "amqp://guest:guest@localhost:5672",
    ])
    func `what is left out has the usual defaults`(text: String) throws {
        let url = try AmqpURL(text)
        #expect(url.user == "guest" && url.password == "guest" && url.vhost == "/" && url.port == 5672)
    }

    @Test(arguments: [
        ("http://u:pass@h", "neither"), ("localhost:5672", "neither"), ("amqp://u:pass@h:port/", "port"),
        ("amqp://u:pass@h:0/", "port"), ("amqp://u:pass@h:70000/", "port"), ("amqp://u:pass@/v", "host"),
        ("amqp://u:pass%2@h", "password"), ("amqp://u:pass%zz@h", "password"), ("amqp://u:pass%FF@h", "password"),
        ("amqp://u:pass%00@h", "password"), ("amqp://u:pass@word@h", "%40"), ("amqp://u:1/pass@h", "%2F"),
        ("amqp://u:pa#pass@h", "%23"), ("amqp://u:pa?pass@h", "%3F"), ("amqp://u:pass@h/a/b", "virtual host"),
        ("amqp://u:pass@h/?verify=none", "verify"), ("amqp://u:pass@h/?heartbeat=0", "heartbeat"),
        ("amqp://u:pass@h/?heartbeat", "heartbeat"), ("amqp://u:pass@h/?certfile=x", "keyfile"),
        ("amqp://u:pass@[::1", "]"), ("amqp://u:pass@[::1]x", "port"), ("amqp://u:pass@h h/", "host"),
    ])
    func `an error names what is wrong and never the password`(text: String, word: String) throws {
        let error = try #require(throws: AmqpError.self) { try AmqpURL(text) }
        #expect(error.code == .invalidConfiguration && !error.isRetryable)
        #expect(error.description.contains(word))
        #expect(!error.description.replacing("user:password@host", with: "").contains("pass@"))
        #expect(!error.description.contains("pass%") && !error.description.contains("u:"))
    }

    @Test func `printing a URL or a configuration shows no password`() throws {
        let configuration = AmqpConfiguration(url: try AmqpURL("amqp://user:s3cr3t@h/v"))
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(text.contains("h:5672") && !text.contains("s3cr3t"))
        }
    }
}
