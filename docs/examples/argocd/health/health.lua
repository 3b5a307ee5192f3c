-- How a MailCluster is, for Argo CD.
local hs = { status = "Progressing", message = "the operator has not looked at it yet" }

if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  hs.message = "the status speaks of an earlier spec"
  return hs
end

local is = {}
for _, condition in ipairs(obj.status.conditions) do
  is[condition.type] = condition
end
local function holds(name)
  return is[name] ~= nil and is[name].status == "True"
end
local function say(status, name)
  hs.status = status
  hs.message = is[name].message
  return hs
end

if holds("Paused") then
  return say("Suspended", "Paused")
end
if holds("Stalled") then
  return say("Degraded", "Stalled")
end
if holds("Hibernated") then
  return say("Suspended", "Hibernated")
end
if is["RolloutComplete"] ~= nil and is["RolloutComplete"].reason == "Paused" then
  return say("Suspended", "RolloutComplete")
end
if holds("Reconciling") then
  return say("Progressing", "Reconciling")
end
if holds("Ready") then
  return say("Healthy", "Ready")
end
if is["Ready"] ~= nil then
  return say("Progressing", "Ready")
end
return hs
