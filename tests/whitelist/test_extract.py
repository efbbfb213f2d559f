"""Lists as people have them: what is taken from a text, with which names, and what is left out."""

# ruff: noqa: E501 - one case a line

from __future__ import annotations

import pytest

from wizard.core.rules import Rules
from wizard.whitelist.entries import parse
from wizard.whitelist.extract import Extract, extract, text_within
from wizard.whitelist.findings import ListContext
from wizard.whitelist.rendering import written
from wizard.whitelist.validation import validate

BOT, NEXT, GONE = "45.77.10.20", "45.77.10.21", "45.77.10.66"

# What it is and who reported it, the text, what is found with its name, and what is left out.
TEXTS: list[tuple[str, str, dict[str, str | None], list[str]]] = [
    ("Excel with semicolons", f"\ufeffName;IP\r\nbot-1;{BOT}\r\nbot-2;{NEXT}\r\n", {BOT: "bot-1", NEXT: "bot-2"}, []),
    ("Excel with tabs", f"bot-1\t{BOT}\nbot-2\t{NEXT}\n", {BOT: "bot-1", NEXT: "bot-2"}, []),
    ("Markdown table", f"| Region | IP |\n|---|---|\n| Tokyo | {BOT} |\n| Osaka | {NEXT},45.77.10.22 |\n", {BOT: "Tokyo", NEXT: "Osaka", "45.77.10.22": "Osaka"}, []),
    ("SPF", f"v=spf1 ip4:{BOT} ip4:45.77.10.16/28 -all", {BOT: None, "45.77.10.16/28": None}, []),
    ("HTML", f"{BOT}<br>{NEXT}", {BOT: None, NEXT: None}, []),
    ("signs before", f"★ {BOT}\n👉 {NEXT}\n", {BOT: None, NEXT: None}, []),
    ("a provider's mail", f"IPv4 address: {BOT}\nGateway: 45.77.10.1\nNetmask: 255.255.255.0\nDNS: 9.9.9.9\n", {BOT: None}, ["45.77.10.1", "255.255.255.0", "9.9.9.9"]),
    ("a comment's block", f"allow {BOT}; /* {GONE}\n{NEXT} */\n<!-- 45.77.10.67 -->", {BOT: None}, [GONE, NEXT, "45.77.10.67"]),
    ("struck through", f"~~{GONE}~~ {BOT}\n<s>45.77.10.67</s>", {BOT: None}, [GONE, "45.77.10.67"]),
    ("headings", f"Current:\n{BOT}\n\nOld:\n{GONE}\n", {BOT: None}, [GONE]),
    ("comments as headings", f"# active\n{BOT}\n# removed\n{GONE}\n", {BOT: None}, [GONE]),
    ("a stale note", f"{BOT} # bot\n{GONE} # old\n", {BOT: "bot"}, [GONE]),
    ("YAML", f"allow:\n  - {BOT}  # bot\ndeny:\n  - {GONE}\nhosts:\n  tokyo: {NEXT}\n", {BOT: "bot", NEXT: "tokyo"}, [GONE]),
    ("JSON rules", f'[{{"name":"a","action":"allow","ip":"{BOT}"}},\n{{"action":"deny","ip":"{GONE}"}}]', {BOT: "a"}, [GONE]),
    ("JSON switches", f'{{"rules":[{{"ip":"{GONE}","enabled":false}}],"old":["45.77.10.67"],"{BOT}":"Bob"}}', {BOT: "Bob"}, [GONE, "45.77.10.67"]),
    ("a status column", f"Name,IP,Status\na,{BOT},active\nb,{GONE},retired\n", {BOT: "a"}, [GONE]),
    ("an old column and a port", f"Name;Old IP;New IP;Port\na;{GONE};{BOT};443\n", {BOT: "a"}, [GONE]),
    ("a mask column", "Network;Mask\n45.77.10.16;255.255.255.240\n", {"45.77.10.16/28": None}, []),
    ("hosts", f"127.0.0.1 localhost\n{BOT}  bot.example.com\n#{GONE} off\n", {"127.0.0.1": "localhost", BOT: "bot.example.com"}, [GONE]),
    ("iptables", f"-A INPUT -s {BOT}/32 -p tcp --dport 443 -j ACCEPT\n-A INPUT -s {GONE}/32 -j DROP\n", {BOT: None}, [GONE]),
    ("ufw", f"[ 1] 443/tcp  ALLOW IN  {BOT}  # bot\n[ 2] 443/tcp  DENY IN  {GONE}\n", {BOT: "bot"}, [GONE]),
    ("Apache", f"Require ip {BOT}\nRequire not ip {GONE}\nDeny from 45.77.10.67\n", {BOT: None}, [GONE, "45.77.10.67"]),
    ("a router", f"access-list 10 permit 45.77.10.0 0.0.0.15\naccess-list 10 deny host {GONE}\n", {"45.77.10.0/28": None}, [GONE]),
    ("ip a", f"    inet {BOT}/24 brd 45.77.10.255 scope global eth0\n    inet6 2001:db8::1/64 scope global\n", {BOT: None}, ["45.77.10.255", "2001:db8::1"]),
    ("dig", f";; ANSWER SECTION:\nme.example.\t0\tIN\tA\t{BOT}\n;; SERVER: 9.9.9.9#53(9.9.9.9)\n", {BOT: "me.example"}, ["9.9.9.9", "9.9.9.9"]),
    ("curl -v", f"*   Trying 34.117.59.81:80...\n* Connected to ifconfig.me (34.117.59.81) port 80\n{BOT}\n", {BOT: None}, ["34.117.59.81"] * 2),
    ("moved", f"moved from {GONE} to {BOT}, remove 45.77.10.67 and add {NEXT}", {BOT: None, NEXT: None}, [GONE, "45.77.10.67"]),
    ("versions and names", f"bot v1.2.3.4 and nginx/1.18.0.0 at {BOT}, 45.77.10.30.nip.io, https://x.com/?ip={GONE}", {BOT: None}, ["1.2.3.4", "1.18.0.0", "45.77.10.30", GONE]),
    ("ports and logins", f"at {BOT}:443 (root@{NEXT})", {BOT: None, NEXT: None}, []),
    ("no address", f"is {BOT} or 999.1.1.1 or 0.0.0.0/0 or 45.77.0.0/16", {BOT: None}, ["999.1.1.1", "0.0.0.0/0", "45.77.0.0/16"]),
    ("allowed here, denied there", f"allow {BOT};\nallow {GONE};\ndeny {GONE};\n", {BOT: None}, [GONE, GONE]),
]  # fmt: skip


def found(extracted: Extract) -> dict[str, str | None]:
    return {written(each.network): each.label for each in extracted.found}


@pytest.mark.parametrize(("text", "taken", "left_out"), [each[1:] for each in TEXTS], ids=[each[0] for each in TEXTS])
def test_the_addresses_of_a_text_are_found_with_their_names(
    text: str, taken: dict[str, str], left_out: list[str]
) -> None:
    within = text_within(text, Rules())

    assert within is not None, "it reads as a list"
    assert found(within) == taken
    assert sorted(each.reason.split()[0].split("/3")[0] for each in within.left_out) == sorted(left_out)


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("45.77.10.20,45.77.10.21 45.77.10.22;45.77.10.23", "20 21 22 23"),
        ("45.77.10.20 # the old office, Bern", "20"),
        ("45.77.10.0 255.255.255.240", "0/28"),
        ("45.77.10.0 0.0.0.15", "0/28"),
        ("45.77.10.0 mask 255.255.255.240", "0/28"),
        ("45.77.10.20 to 45.77.10.23", "20 21 22 23"),
        ("45.77.10.20 through 22", "20 21 22"),
        ("45.77.10.20~45.77.10.21", "20 21"),
        ("45.77.10.20..45.77.10.21", "20 21"),
        ("45.77.10.20 -> 45.77.10.21", "20 21"),
        ("45.77.10.20 → 45.77.10.21", "20 21"),
        ("45.77.10.[20-22]", "20 21 22"),
        ("45.77.10.{20,21}", "20 21"),
        ("45.77.10.{20..22}", "20 21 22"),
        ("45.77.10.20,21,22", "20 21 22"),
        ("45.77.10.20,.21", "20 21"),
        ("45.77.10.20/45.77.10.21", "20 21"),
        ("45.77.10.20/32:443", "20"),
        ("45.77.10.20:443/tcp", "20"),
    ],
)
def test_a_list_stays_a_list_and_what_stands_for_several_is_found_whole(text: str, networks: str) -> None:
    assert text_within(text, Rules()) is None
    assert list(found(extract(text, Rules()))) == [f"45.77.10.{each}" for each in networks.split()]
    assert extract(text, Rules()).left_out == ()
    suggested = [each.fix.suggestion if each.fix else each.entry.text for each in judged(text)]
    assert ",".join(filter(None, suggested)).split(",") == list(found(extract(text, Rules()))) or "/28" in networks


# Texts in which some are denied, old or of another kind: what is taken, and what is left out and told.
NOT_ALL_MEANT: list[tuple[str, str, list[str], list[str]]] = [
    ('nft blacklist set', '  set blacklist {\n    elements = { 45.77.10.66,\n      45.77.10.67 }\n  }\n  ip saddr { 45.77.10.20, 45.77.10.21 } tcp dport 22 accept\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('iptables -L -n', 'Chain INPUT (policy DROP)\ntarget     prot opt source               destination\nACCEPT     tcp  --  45.77.10.20          0.0.0.0/0            tcp dpt:22\nDROP       all  --  45.77.10.66          0.0.0.0/0\nREJECT     all  --  45.77.10.67          0.0.0.0/0            reject-with icmp-port-unreachable\n', ['45.77.10.20'], ['0.0.0.0/0', '0.0.0.0/0', '0.0.0.0/0', '45.77.10.66', '45.77.10.67']),
    ('gcloud fw', 'NAME       NETWORK  DIRECTION  PRIORITY  SRC_RANGES      ALLOW    DENY  DISABLED\nallow-bot  default  INGRESS    1000      45.77.10.20/32  tcp:443        False\nbad-guys    default  INGRESS    900       45.77.10.66/32           all   False\n', ['45.77.10.20'], ['45.77.10.66']),
    ('kubectl svc', 'NAME         TYPE           CLUSTER-IP      EXTERNAL-IP     PORT(S)        AGE\nkubernetes   ClusterIP      10.96.0.1       <none>          443/TCP        10d\nbot          LoadBalancer   10.96.13.7      45.77.10.20     80:31234/TCP   3d\n', ['10.96.0.1', '10.96.13.7', '45.77.10.20'], []),
    ('ansible ini', '[bots]\nbot-1 ansible_host=45.77.10.20 ansible_user=root ansible_port=2222\nbot-2 ansible_host=45.77.10.21\n\n[old]\nbot-3 ansible_host=45.77.10.66\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66']),
    ('haproxy', 'acl office src 45.77.10.20 45.77.10.21/32\nacl bad src 45.77.10.66\nhttp-request deny if bad\nserver web1 45.77.10.22:8080 check\n', ['45.77.10.20', '45.77.10.21', '45.77.10.22'], ['45.77.10.66']),
    ('nginx geo', 'geo $allowed {\n    default 0;\n    45.77.10.20 1;\n    45.77.10.21/32 1;\n    45.77.10.66 0;\n}\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66']),
    ('cloudflare csv', 'ip,description,action\n45.77.10.20,office,allow\n45.77.10.21,home,whitelist\n45.77.10.66,spammer,block\n45.77.10.67,bot,js_challenge\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('cf json', '{"result":[{"id":"1","mode":"whitelist","notes":"office","configuration":{"target":"ip","value":"45.77.10.20"}},{"id":"2","mode":"block","notes":"x","configuration":{"target":"ip","value":"45.77.10.66"}},{"mode":"challenge","configuration":{"value":"45.77.10.67"}}]}', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('spf a mx', 'v=spf1 a mx ip4:45.77.10.20 ?ip4:45.77.10.66 ip6:2001:db8::1 -all', ['45.77.10.20'], ['2001:db8::1', '45.77.10.66']),
    ('sheets', 'Server\tIP address\tOwner\tNotes\nbot-1\t45.77.10.20\tanna\t\nbot-2\t45.77.10.21\tbob\tnew\nbot-3\t45.77.10.66\tbob\tdo not use\nbot-4\t45.77.10.67\tbob\tcancelled\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('excel quotes', '"Name";"IP-Adresse";"Status"\r\n"Büro; Bern";"45.77.10.20";"aktiv"\r\n"Alt";"45.77.10.66";"gesperrt"\r\n"Bot";"45.77.10.67";"inaktiv"\r\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('csv enabled', 'name,ip,enabled\na,45.77.10.20,true\nb,45.77.10.66,false\nc,45.77.10.67,no\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('csv enabled 0/1', 'name,ip,active\na,45.77.10.20,1\nb,45.77.10.66,0\n', ['45.77.10.20'], ['45.77.10.66']),
    ('csv dates', '"IP","Added","Removed"\n"45.77.10.20","2024-01-02",""\n"45.77.10.66","2023-01-01","2024-02-01"\n', ['45.77.10.20'], ['45.77.10.66']),
    ('md sections2', '## Allowed IPs\n\n45.77.10.20\n45.77.10.21\n\n## Blocked IPs\n\n45.77.10.66\n\n45.77.10.67\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('slack', 'anna  10:42 AM\nthe new ip is 45.77.10.20\nbob  10:43 AM\n> old one was 45.77.10.66\ncool, so 45.77.10.66 can go\ncarl 11:02\n45.77.10.21 is mine (home)\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.66']),
    ('chat instead', 'Use 45.77.10.20 instead of 45.77.10.66. 45.77.10.67 is not ours anymore.\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('chat old ip', "my ip changed, it's 45.77.10.20 now (before: 45.77.10.66)\n", ['45.77.10.20'], ['45.77.10.66']),
    ('chat wrong', '45.77.10.66 is wrong, correct is 45.77.10.20\n', ['45.77.10.20'], ['45.77.10.66']),
    ('mail de', 'Hallo,\nbitte 45.77.10.20 und 45.77.10.21 freischalten.\nDie alte Adresse 45.77.10.66 bitte löschen.\n45.77.10.67 ist gesperrt.\nNicht mehr verwendet: 45.77.10.68\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('mail de2', 'Neue IP: 45.77.10.20\nAlte IP: 45.77.10.66\nfrüher: 45.77.10.67\nnicht freigeben: 45.77.10.68\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('mail es', 'Hola, añade 45.77.10.20 y 45.77.10.21.\nLa antigua 45.77.10.66 ya no se usa.\nBloqueada: 45.77.10.67\nEliminar 45.77.10.68\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('mail fr', "Bonjour, merci d'ajouter 45.77.10.20.\nL'ancienne adresse 45.77.10.66 est à supprimer.\nBloquée : 45.77.10.67\nNe plus utiliser 45.77.10.68\n", ['45.77.10.20'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('mail ru', 'Добавьте 45.77.10.20 и 45.77.10.21.\nСтарый адрес: 45.77.10.66\nУдалить 45.77.10.67\nзаблокирован: 45.77.10.68\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('mail zh', '请添加 45.77.10.20 和 45.77.10.21\n旧IP：45.77.10.66\n删除 45.77.10.67\n禁止：45.77.10.68\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('mail ja pt it', '追加: 45.77.10.20\n旧: 45.77.10.66\nremover 45.77.10.67\nvecchio: 45.77.10.68\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('ipconfig', 'Ethernet adapter Ethernet0:\n\n   Connection-specific DNS Suffix  . : example.com\n   IPv4 Address. . . . . . . . . . . : 45.77.10.20(Preferred)\n   Subnet Mask . . . . . . . . . . . : 255.255.255.0\n   Default Gateway . . . . . . . . . : 45.77.10.1\n   DHCP Server . . . . . . . . . . . : 45.77.10.2\n   DNS Servers . . . . . . . . . . . : 9.9.9.9\n                                       1.1.1.1\n', ['45.77.10.20'], ['1.1.1.1', '255.255.255.0', '45.77.10.1', '45.77.10.2', '9.9.9.9']),
    ('compose', 'services:\n  bot:\n    image: bot:1.2.3.4\n    environment:\n      - ALLOWED_IPS=45.77.10.20,45.77.10.21\n      - BLOCKED_IPS=45.77.10.66\n    ports:\n      - "45.77.10.22:8080:80"\n    extra_hosts:\n      - "api:45.77.10.23"\n    dns: 9.9.9.9\n', ['45.77.10.20', '45.77.10.21', '45.77.10.22', '45.77.10.23'], ['1.2.3.4', '45.77.10.66', '9.9.9.9']),
    ('yaml state', '- name: bot\n  ip: 45.77.10.20\n  state: present\n- name: gone\n  ip: 45.77.10.66\n  state: absent\n', ['45.77.10.20'], ['45.77.10.66']),
    ('yaml enabled', '- name: bot\n  ip: 45.77.10.20\n  enabled: true\n- name: gone\n  ip: 45.77.10.66\n  enabled: false\n', ['45.77.10.20'], ['45.77.10.66']),
    ('yaml action after', 'rules:\n  - ip: 45.77.10.20\n    action: allow\n  - ip: 45.77.10.66\n    action: deny\n', ['45.77.10.20'], ['45.77.10.66']),
    ('k8s netpol', 'ingress:\n- from:\n  - ipBlock:\n      cidr: 45.77.10.0/24\n      except:\n      - 45.77.10.66/32\n', ['45.77.10.0/24'], ['45.77.10.66']),
    ('xml', '<rules><rule action="allow" ip="45.77.10.20" name="office"/>\n<rule action="deny" ip="45.77.10.66"/>\n<!-- <rule ip="45.77.10.67"/> -->\n<allow><ip>45.77.10.21</ip></allow>\n<deny><ip>45.77.10.68</ip></deny></rules>', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('ini', '[allow]\noffice = 45.77.10.20\nvpn=45.77.10.21\n; old = 45.77.10.66\n\n[deny]\nfoo = 45.77.10.67\n\nbar = 45.77.10.68\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('toml', '[[peer]]\nname = "bot"\nip = "45.77.10.20"\nenabled = true\n\n[[peer]]\nname = "gone"\nip = "45.77.10.66"\nenabled = false\n', ['45.77.10.20'], ['45.77.10.66']),
    ('hcl deny', 'ingress {\n  cidr_blocks = ["45.77.10.20/32"]\n  description = "bot"\n}\nrule {\n  action = "deny"\n  cidr_block = "45.77.10.66/32"\n}\nrule {\n  cidr_block = "45.77.10.67/32"\n  rule_action = "deny"\n}\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('mikrotik flags', ' 0   ;;; office\n     allow  45.77.10.20   \n 1 X allow  45.77.10.66\n', ['45.77.10.20'], ['45.77.10.66']),
    ('cisco object', 'object-group network BOTS\n network-object host 45.77.10.20\n network-object 45.77.10.16 255.255.255.240\n!network-object host 45.77.10.66\n no network-object host 45.77.10.67\n', ['45.77.10.16/28', '45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('checkbox', '- [x] 45.77.10.20 office\n- [ ] 45.77.10.66 new home\n', ['45.77.10.20'], ['45.77.10.66']),
    ('emoji', '✅ 45.77.10.20 office\n❌ 45.77.10.66 home\n🚫 45.77.10.67\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('html list', '<ul><li>45.77.10.20 – office</li><li style="text-decoration:line-through">45.77.10.66</li></ul>', ['45.77.10.20'], ['45.77.10.66']),
    ('auth log', 'Mar  4 10:12:00 bot sshd[123]: Accepted publickey for root from 45.77.10.20 port 51234 ssh2\nMar  4 10:13:00 bot sshd[124]: Failed password for root from 45.77.10.66 port 40000 ssh2\n', ['45.77.10.20'], ['45.77.10.66']),
    ('expiry', '45.77.10.20 valid until 2030-01-01\n45.77.10.66 expired 2023\n45.77.10.67 cancelled\n45.77.10.68 shut down\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('json multi', '{\n "ips": [\n  {"ip":"45.77.10.20","comment":"office"},\n  {"ip":"45.77.10.66","comment":"old office"},\n  {"ip":"45.77.10.67","enabled":0}\n ]\n}', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('json str false', '[{"ip":"45.77.10.20","active":"true"},{"ip":"45.77.10.66","active":"false"},{"ip":"45.77.10.67","allowed":false},{"ip":"45.77.10.68","isActive":false}]', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('json removed date', '[{"ip":"45.77.10.20","removed_at":null},{"ip":"45.77.10.66","removed_at":"2024-01-01"},{"ip":"45.77.10.67","deletedAt":"2024-01-01T00:00:00Z"}]', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('jsonl', '{"ip":"45.77.10.20","name":"a1"}\n{"ip":"45.77.10.66","action":"deny"}\n{"ip":"45.77.10.67","enabled":false}\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('csv old name', 'name,ip\nbot1,45.77.10.20\nold bot,45.77.10.66\nbot3 (deleted),45.77.10.67\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('csv blocked col', 'ip,blocked\n45.77.10.20,no\n45.77.10.66,yes\n45.77.10.67,true\n45.77.10.21,false\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('md nested sections', '# Servers\n\n## Decommissioned\n\n### Tokyo\n\n- 45.77.10.66\n\n### Osaka\n\n- 45.77.10.67\n\n## Live\n\n- 45.77.10.20\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('md html strike', '- <del>45.77.10.66 home</del>\n- 45.77.10.20 office\n- ~45.77.10.67~\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('chat remove list', 'please remove these:\n45.77.10.66\n45.77.10.67\nand add these:\n45.77.10.20\n45.77.10.21\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('chat add then remove', 'add: 45.77.10.20, 45.77.10.21\nremove: 45.77.10.66, 45.77.10.67\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('chat swap', 'swap 45.77.10.66 for 45.77.10.20\nreplace 45.77.10.67 with 45.77.10.21\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('de swap', 'bitte 45.77.10.66 durch 45.77.10.20 ersetzen\nBlockliste: 45.77.10.67\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('ru swap', 'заменить 45.77.10.66 на 45.77.10.20\n45.77.10.67 не добавлять\n45.77.10.68 больше не нужен\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('zh swap', '把 45.77.10.66 换成 45.77.10.20\n45.77.10.67 不要加\n45.77.10.68（已停用）\n新IP：45.77.10.21\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67', '45.77.10.68']),
    ('de headings', 'Erlaubt:\n45.77.10.20\n\nGesperrt:\n45.77.10.66\n45.77.10.67\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('zh headings', '白名单：\n45.77.10.20\n\n黑名单：\n45.77.10.66\n45.77.10.67\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('nft multi drop', 'ip saddr {\n  45.77.10.66,\n  45.77.10.67\n} drop\nip saddr {\n  45.77.10.20,\n  45.77.10.21\n} accept\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('iptables log', '-A INPUT -s 45.77.10.66 -j LOG\n-A INPUT -s 45.77.10.66 -j DROP\n-A INPUT -s 45.77.10.20 -j ACCEPT\n-D INPUT -s 45.77.10.67 -j ACCEPT\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.66', '45.77.10.67']),
    ('squid neutral names', 'acl office src 45.77.10.20/32\nacl foo src 45.77.10.66\nhttp_access deny foo\nhttp_access allow office\n', ['45.77.10.20'], ['45.77.10.66']),
    ('named', 'acl trusted { 45.77.10.20; 45.77.10.21; !45.77.10.66; };\nblackhole { 45.77.10.67; };\n', ['45.77.10.20', '45.77.10.21'], ['45.77.10.66', '45.77.10.67']),
    ('sshd AllowUsers', 'AllowUsers root@45.77.10.20 bob@45.77.10.21\nDenyUsers root@45.77.10.66\nMatch Address 45.77.10.22\n', ['45.77.10.20', '45.77.10.21', '45.77.10.22'], ['45.77.10.66']),
    ('Polish', 'Dodać 45.77.10.20\nStary adres: 45.77.10.66\nUsunąć 45.77.10.67\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('Korean', '추가: 45.77.10.20\n삭제: 45.77.10.66\n차단: 45.77.10.67\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('Turkish', 'Yeni: 45.77.10.20\nEski: 45.77.10.66\n45.77.10.67 silindi\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
    ('phased out', 'bot 45.77.10.20\n45.77.10.66 is being phased out\ndeactivate x 45.77.10.67\n', ['45.77.10.20'], ['45.77.10.66', '45.77.10.67']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "taken", "left_out"), [each[1:] for each in NOT_ALL_MEANT], ids=[each[0] for each in NOT_ALL_MEANT]
)
def test_what_a_text_denies_or_calls_old_is_not_taken_and_told(
    text: str, taken: list[str], left_out: list[str]
) -> None:
    within = text_within(text, Rules())

    assert within is not None, "it reads as a list"
    assert sorted(found(within)) == taken
    assert sorted(each.reason.split()[0].split("/3")[0] for each in within.left_out) == left_out


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NAME   ZONE  INTERNAL_IP  EXTERNAL_IP  STATUS\nbot-1  a     10.1.0.2     45.77.10.20  RUNNING\n", "bot-1"),
        ("[bots]\nbot-1 ansible_host=45.77.10.20 ansible_user=root\n", "bot-1"),
        ("- name: bot-1\n  ip: 45.77.10.20\n  state: present\n", "bot-1"),
        ("Nmap scan report for bot-1 (45.77.10.20)\n", "bot-1"),
        ("Server\tIP\tNotes\nbot-1\t45.77.10.20\tnew\nbot-2\t45.77.10.21\t\n", "bot-1"),
    ],
)
def test_the_name_is_the_one_of_the_host(text: str, name: str) -> None:
    assert found(extract(text, Rules()))[BOT] == name


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("45.77.10.0 /28", "0/28"),
        ("45.77.10.0, mask 255.255.255.240", "0/28"),
        ("45.77.10.0 (255.255.255.240)", "0/28"),
        ("45.77.10.0,255.255.255.240", "0/28"),
        ("45.77.10.0 subnet mask: 255.255.255.240", "0/28"),
        ("45.77.10.20, .21, .22", "20 21 22"),
        ("45.77.10.20 and .21", "20 21"),
        ("between 45.77.10.20 and 45.77.10.22", "20 21 22"),
        ("45.77.10.20 至 45.77.10.21", "20 21"),
        ("deny 45.77.10.20-45.77.10.22\nallow 45.77.10.21\nallow 45.77.10.23", "23"),
    ],
)
def test_a_block_or_a_range_in_a_text_is_read_whole(text: str, networks: str) -> None:
    assert list(found(extract(text, Rules()))) == [f"45.77.10.{each}" for each in networks.split()]


@pytest.mark.parametrize("text", ["bot 45.77.10.*", "bot 45[.]77[.]10[.]20", "bot 45.77.10.x"])
def test_what_only_resembles_an_address_is_told(text: str) -> None:
    assert extract(text, Rules()).found == ()
    assert len(extract(text, Rules()).left_out) == 1


def judged(text: str) -> list:
    return list(validate(parse(text), ListContext()).entries)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("45.77.100.0-45.77.101.255", "too-wide"),
        ("45.77.10.1-45.99.10.20", "too-wide"),
        ("10.0.0.1-10.0.0.255", "private"),
        ("10.0.0.0 255.255.255.0", "private"),
        ("192.168.1.{5,6}", "private"),
        ("010.0.0.1", "private"),
    ],
)
def test_what_is_too_wide_or_private_is_said_at_once(text: str, code: str) -> None:
    (entry,) = judged(text)
    assert [(finding.code, finding.suggestion or "") for finding in entry.findings] == [(code, "")]


def test_what_a_socket_of_both_families_prints_is_the_ipv4_address_in_it() -> None:
    read = extract("accepted ::ffff:8.8.4.4 and 1.2.3.4, never 64:ff9b::9.9.9.9", Rules())
    assert found(read) == {"8.8.4.4": None, "1.2.3.4": None}
    assert "64:ff9b::9.9.9.9" in " ".join(map(str, read.left_out))


def test_an_address_and_its_port_are_no_two_addresses() -> None:
    assert found(extract("45.77.10.20,22", Rules())) == {BOT: None}
    assert found(extract("45.77.10.20,443\n", Rules())) == {BOT: None}


def test_private_addresses_are_marked_and_a_block_around_a_denied_one_too() -> None:
    extracted = extract("office 10.0.0.5\nallow 45.77.10.0/28\ndeny 45.77.10.3", Rules())
    assert [each.remark for each in extracted.found] == ["private", "lets in an address that is denied here"]
    assert extracted.usable == ()


def test_the_line_of_each_is_told_and_a_line_that_may_hold_a_key_is_not_shown() -> None:
    key = "Zq8" * 20
    extracted = extract(f"\r\noffice {BOT}\r\nold: {GONE} {key}\r\n\u202eold: 45.77.10.67", Rules())
    assert [each.line for each in extracted.found] == [2]
    assert [(each.line, each.text) for each in extracted.left_out] == [(3, ""), (4, "\ufffdold: 45.77.10.67")]
    assert extracted.sentence() == "1 address found in this text, 2 lines left out."
    assert key not in str(extract(f"{BOT} {key}", Rules()))


@pytest.mark.parametrize(
    "text", ["", "nothing here", "8.8.8.8 x.example.com", "8.8.8.8, any", "8.8.8.256 8.8.8.8", "office"]
)
def test_what_is_no_text_with_addresses_is_judged_as_a_list(text: str) -> None:
    assert text_within(text, Rules()) is None
