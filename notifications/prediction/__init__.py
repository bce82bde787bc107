"""Which parcels will miss their promised day, learnt from the shop's own past.

history: the past as arrays · lanes: how long parcels take, by lane · network: how the whole network does lately ·
features: what is known of a parcel on a morning · trees, training: the model · alarms: how good its warnings are ·
wave: whether the network as a whole has become late · reading, models, nightly: the shop's own rows.
"""
