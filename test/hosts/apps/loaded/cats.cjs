// A route that @fastify/autoload finds.
module.exports = async app => {
  app.get('/', async () => ['Tom'])
}
module.exports.autoPrefix = '/cats'
