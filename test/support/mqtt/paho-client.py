"""Publishes at every QoS what it subscribes to, and prints what comes back. Arguments: port, version."""

import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, version = int(sys.argv[1]), sys.argv[2]
is_five = version == "5.0"
protocol = mqtt.MQTTv5 if is_five else mqtt.MQTTv311
try:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, client_id="paho", protocol=protocol)
except AttributeError:
    client = mqtt.Client(client_id="paho", protocol=protocol)
received = []


def properties():
    if not is_five:
        return None
    sent = Properties(PacketTypes.PUBLISH)
    sent.UserProperty = [("b", "1"), ("a", "2")]
    sent.ContentType = "text/plain"
    return sent


def on_connect(client, userdata, flags, reason, *rest):
    client.subscribe("paho/#", 2)


def on_subscribe(client, *rest):
    for qos in (0, 1, 2):
        client.publish("paho/%d" % qos, "payload %d" % qos, qos=qos, properties=properties())


def on_message(client, userdata, message):
    line = "%s %s %d" % (message.topic, message.payload.decode(), message.qos)
    if is_five:
        line += " %s %s" % (message.properties.UserProperty, message.properties.ContentType)
    received.append(line)
    if len(received) == 3:
        client.disconnect()


client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect("127.0.0.1", port)
client.loop_forever()
print("\n".join(sorted(received)))
